SELECT day::timestamp AT TIME ZONE time_zone AS time,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) AS "travel time index",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) AS "planning time index"
FROM reliability_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring}) AND period IN (${period:sqlstring})
GROUP BY 1
ORDER BY 1
