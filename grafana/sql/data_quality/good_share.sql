SELECT sum(good)::float8 / nullif(sum(readings), 0) AS share
FROM area_1h
WHERE $__timeFilter(time) AND coalesce(nullif(area, 'unassigned'), '') IN (${area:sqlstring})
