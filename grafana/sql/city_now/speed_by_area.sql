-- Of 5 minutes, or of an hour where more than eight days are shown.
WITH shown AS (
    SELECT time, area, speed_kmh
    FROM area_5m
    WHERE $__timeFilter(time) AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '8 days'
    UNION ALL
    SELECT time, area, speed_kmh
    FROM area_1h
    WHERE $__timeFilter(time) AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '8 days'
)
SELECT time, CASE WHEN area = 'unassigned' THEN 'no area' ELSE area END AS metric, speed_kmh AS speed
FROM shown
WHERE speed_kmh IS NOT NULL AND coalesce(nullif(area, 'unassigned'), '') IN (${area:sqlstring})
ORDER BY time, metric
