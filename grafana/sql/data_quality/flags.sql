SELECT time,
       sum(implausible)::float8 / sum(readings) AS implausible,
       sum(stuck)::float8 / sum(readings) AS stuck,
       sum(readings - good - implausible - stuck)::float8 / sum(readings) AS late
FROM area_1h
WHERE $__timeFilter(time) AND readings > 0 AND coalesce(nullif(area, 'unassigned'), '') IN (${area:sqlstring})
GROUP BY time
ORDER BY time
