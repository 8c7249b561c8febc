-- What was predicted for each time, so many minutes before; looked up one by one, since each time has dozens.
SELECT time, speed_kmh AS forecast, lower_kmh AS "forecast, least", upper_kmh AS "forecast, most"
FROM (SELECT interval '5 minutes' * greatest(1, ceil(extract(epoch FROM interval '$__interval') / 300)) AS step) AS width
CROSS JOIN generate_series(
    date_bin(step, $__timeFrom()::timestamptz, timestamptz 'epoch'), $__timeTo()::timestamptz, step
) AS due
JOIN predictions ON time = due AND made_at = due - ${horizon:sqlstring} * interval '1 minute'
WHERE sensor_id = ${sensor:sqlstring} AND $__timeFilter(time)
ORDER BY time
