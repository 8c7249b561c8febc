SELECT day::timestamp AT TIME ZONE (SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC')) AS time,
       sum(mae_kmh * predictions) / sum(predictions) AS forecast,
       sum(persistence_mae_kmh * predictions) / sum(predictions) FILTER (WHERE persistence_mae_kmh IS NOT NULL) AS "last speed",
       sum(profile_mae_kmh * predictions) / sum(predictions) FILTER (WHERE profile_mae_kmh IS NOT NULL) AS normal
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
  AND horizon_minutes = ${horizon:sqlstring}
GROUP BY day
ORDER BY time
