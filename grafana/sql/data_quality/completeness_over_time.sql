WITH expected AS (
    SELECT coalesce(area, '') AS area, sum(expected_readings) / 24 AS per_hour
    FROM sensor_health
    WHERE coalesce(area, '') IN (${area:sqlstring})
    GROUP BY 1
)
SELECT time, coalesce(nullif(expected.area, ''), 'no area') AS metric, least(1, readings / nullif(per_hour, 0)) AS completeness
FROM area_1h
JOIN expected ON expected.area = coalesce(nullif(area_1h.area, 'unassigned'), '')
WHERE $__timeFilter(time) AND time < (SELECT max(time) FROM area_1h)
ORDER BY time
