SELECT sum(mae_kmh * predictions) / sum(predictions) AS error
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
  AND horizon_minutes = ${horizon:sqlstring}
