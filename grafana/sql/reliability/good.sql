SELECT sum(good_share * buckets) / sum(buckets) AS share
FROM reliability_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring}) AND period IN (${period:sqlstring})
