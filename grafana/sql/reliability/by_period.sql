SELECT period, percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) AS "travel time index",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) AS "planning time index"
FROM reliability_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring})
GROUP BY period
ORDER BY array_position('{am peak,midday,pm peak,weekend,overnight}'::text[], period)
