SELECT time, coalesce(nullif(area, 'unassigned'), 'no area') AS metric, good::float8 / readings AS good
FROM area_1h
WHERE $__timeFilter(time) AND readings > 0 AND coalesce(nullif(area, 'unassigned'), '') IN (${area:sqlstring})
ORDER BY time
