SELECT (sum(coverage * predictions) / sum(predictions))::float8 AS coverage
FROM forecast_skill
WHERE day >= (SELECT max(day) FROM forecast_skill) - 1 AND coverage IS NOT NULL
      AND model IN (SELECT name FROM forecast_models)
HAVING sum(predictions) >= 1000
