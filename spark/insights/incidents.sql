SELECT incident_id, day, kind, severity, area, road, started_at, duration_minutes::double precision AS duration_minutes,
       vehicle_hours_of_delay AS vehicle_hours, good_share
FROM incident_impact
WHERE day BETWEEN {first} AND {last}
