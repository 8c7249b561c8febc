SELECT day::timestamp AT TIME ZONE (SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC')) AS time,
       model AS metric, coverage
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date
  AND horizon_minutes = ${horizon:sqlstring}
ORDER BY time, model
