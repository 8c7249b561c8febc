SELECT id, kind, severity, sensors, area, road, lanes_blocked, description, started_at,
       time < CAST(:recent AS timestamptz) AND NOT EXISTS (SELECT FROM latest_readings WHERE time >= :fresh) AS is_past
FROM incidents
WHERE cleared_at IS NULL AND severity = ANY(:severities) AND (:all_kinds OR kind = ANY(:kinds))
ORDER BY id
