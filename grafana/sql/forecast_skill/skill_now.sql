SELECT 1 - sum(mae_kmh * predictions) FILTER (WHERE persistence_mae_kmh IS NOT NULL)
       / nullif(sum(persistence_mae_kmh * predictions), 0) AS skill
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
  AND horizon_minutes = ${horizon:sqlstring}
