SELECT model, horizon_minutes AS horizon, sum(predictions) AS predictions,
       sum(mae_kmh * predictions) / sum(predictions) AS "MAE",
       sqrt(sum(rmse_kmh ^ 2 * predictions) / sum(predictions)) AS "RMSE",
       sum(mape_percent * predictions) / sum(predictions) FILTER (WHERE mape_percent IS NOT NULL) AS "MAPE",
       1 - sum(mae_kmh * predictions) FILTER (WHERE persistence_mae_kmh IS NOT NULL)
           / nullif(sum(persistence_mae_kmh * predictions), 0) AS skill,
       sum(coverage * predictions) / sum(predictions) FILTER (WHERE coverage IS NOT NULL) AS coverage,
       sum(width_kmh * predictions) / sum(predictions) FILTER (WHERE width_kmh IS NOT NULL) AS width
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
GROUP BY model, horizon_minutes
ORDER BY model, horizon_minutes
