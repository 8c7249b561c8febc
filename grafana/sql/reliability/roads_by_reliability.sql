SELECT corridor, percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) AS "planning time index",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) AS "travel time index",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY buffer_index) AS "buffer index",
       sum(good_share * buckets) / sum(buckets) AS "good data"
FROM reliability_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring}) AND period IN (${period:sqlstring}) AND corridor IS NOT NULL
GROUP BY corridor
ORDER BY 2 DESC
LIMIT 10
