-- From the predictions for each full hour of the newest day: one in twelve of those that are scored.
WITH hours AS (
    SELECT hour FROM generate_series(date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()), interval '1 hour') AS hour
), compared AS (
    SELECT predictions.sensor_id, readings_5m.speed_kmh AS measured, predictions.speed_kmh AS predicted,
           readings_5m.speed_kmh BETWEEN lower_kmh AND upper_kmh AS inside
    FROM hours
    JOIN predictions ON predictions.time = hour AND made_at = hour - ${horizon:sqlstring} * interval '1 minute'
    JOIN readings_5m ON readings_5m.sensor_id = predictions.sensor_id AND readings_5m.time = hour - interval '5 minutes'
    WHERE predictions.time > now() - interval '1 day' AND readings_5m.time > now() - interval '25 hours'
      AND readings_5m.speed_kmh IS NOT NULL
)
SELECT sensor_id, name, area, count(*) AS compared, avg(abs(predicted - measured)) AS "mean error",
       avg(predicted - measured) AS bias, avg(inside::integer)::double precision AS coverage
FROM compared
JOIN sensors ON sensors.id = sensor_id
GROUP BY sensor_id, name, area
ORDER BY "mean error" DESC
LIMIT 20
