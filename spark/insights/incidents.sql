-- Times as text: Spark would hand them over without a zone.
SELECT incident_id, day, kind, severity, area, road, duration_minutes::double precision AS duration_minutes,
       to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
       vehicle_hours_of_delay AS vehicle_hours, good_share
FROM incident_impact
WHERE day BETWEEN {first} AND {last}
