SELECT id, kind, severity, sensors, area, road, lanes_blocked, description, started_at,
       coalesce(time < CAST(:recent AS timestamptz) AND (SELECT max(time) FROM latest_readings) < :fresh, false) AS is_past
FROM incidents
WHERE cleared_at IS NULL AND severity = ANY(:severities) AND (:all_kinds OR kind = ANY(:kinds))
ORDER BY id
