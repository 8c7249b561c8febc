-- The forecasts that were made at full 5 minutes for so long ahead.
SELECT extract(epoch FROM made_at)::bigint AS epoch,
       string_agg(int4send(sensor_id) || float8send(speed_kmh::float8), '') AS packed
FROM predictions
WHERE time >= CAST(:start AS timestamptz) + CAST(:ahead AS interval)
  AND time < CAST(:until AS timestamptz) + CAST(:ahead AS interval)
  AND time - made_at = CAST(:ahead AS interval) AND made_at = date_bin('5 minutes', made_at, timestamptz 'epoch')
GROUP BY made_at
