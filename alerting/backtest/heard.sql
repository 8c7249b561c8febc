-- In which 5 minutes anything was heard of which sensors, flagged readings included.
SELECT extract(epoch FROM time)::bigint AS epoch, string_agg(int4send(sensor_id), '') AS packed
FROM readings_5m
WHERE time >= :start AND time < :until AND readings > 0
GROUP BY time
ORDER BY time
