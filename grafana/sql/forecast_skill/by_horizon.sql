-- Of all models that forecast in the days shown; each prediction counts once.
SELECT horizon_minutes || ' min' AS ahead,
       sum(mae_kmh * predictions) / sum(predictions) AS forecast,
       sum(persistence_mae_kmh * predictions) / sum(predictions) FILTER (WHERE persistence_mae_kmh IS NOT NULL) AS "last speed",
       sum(profile_mae_kmh * predictions) / sum(predictions) FILTER (WHERE profile_mae_kmh IS NOT NULL) AS normal
FROM forecast_skill
WHERE day BETWEEN $__timeFrom()::timestamptz::date AND $__timeTo()::timestamptz::date AND predictions > 0
GROUP BY horizon_minutes
ORDER BY horizon_minutes
