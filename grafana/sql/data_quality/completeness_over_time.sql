WITH expected AS MATERIALIZED (
    SELECT sensor_id, coalesce(area, '') AS area, expected_readings / 24 AS per_hour,
           count(*) OVER (PARTITION BY coalesce(area, '')) AS sensors
    FROM sensor_health
    WHERE expected_readings > 0 AND coalesce(area, '') IN (${area:sqlstring})
), hours AS (
    SELECT sensor_id, date_trunc('hour', time) AS time, sum(readings) AS readings, count(*) AS stretches
    FROM readings_5m
    WHERE $__timeFilter(time) AND time < (SELECT max(time) FROM area_1h)
    GROUP BY 1, 2
)
SELECT time, coalesce(nullif(area, ''), 'no area') AS metric,
       sum(reported_share(readings, stretches, per_hour)) / sensors AS completeness
FROM hours JOIN expected USING (sensor_id)
GROUP BY time, area, sensors
ORDER BY time
