SELECT sum(coverage * predictions) / sum(predictions) FILTER (WHERE coverage IS NOT NULL) AS coverage
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
  AND horizon_minutes = ${horizon:sqlstring}
