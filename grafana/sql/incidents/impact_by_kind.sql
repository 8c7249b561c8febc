SELECT replace(kind, '_', ' ') AS kind, count(*) AS incidents, count(normal_speed_kmh) AS "with normal",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_minutes::float8) AS "median duration",
       avg(mean_speed_kmh / nullif(normal_speed_kmh, 0)) AS "speed / normal",
       sum(vehicle_hours_of_delay) AS "vehicle hours",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s_per_vehicle::float8) AS "median delay"
FROM incident_impact
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
GROUP BY kind
ORDER BY "vehicle hours" DESC NULLS LAST
