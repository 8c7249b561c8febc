SELECT replace(impact.kind, '_', ' ') AS kind, impact.severity, impact.road, impact.area, impact.started_at AS started,
       duration_minutes::float8 AS duration, impact.sensors AS "sensors affected", normal_speed_kmh AS "normal speed",
       mean_speed_kmh AS "mean speed", least_speed_kmh AS "least speed", vehicle_hours_of_delay AS "vehicle hours",
       delay_s_per_vehicle AS "delay of a vehicle", good_share AS "good data",
       (SELECT min(sensors.id) FROM sensors WHERE external_id = ANY (incidents.sensors)) AS sensor_id
FROM incident_impact AS impact
JOIN incidents ON id = incident_id
WHERE $__timeFilter(impact.started_at) AND normal_speed_kmh IS NOT NULL
  AND coalesce(impact.area, '') IN (${area:sqlstring}) AND impact.severity IN (${severity:sqlstring})
ORDER BY vehicle_hours_of_delay DESC NULLS LAST, delay_s_per_vehicle DESC NULLS LAST
LIMIT 20
