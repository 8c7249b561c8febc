SELECT sensor_id, kind, score::float8, time, ended_at
FROM anomalies
WHERE time < CAST(:until AS timestamptz) AND time > CAST(:start AS timestamptz) - CAST(:forgotten AS interval)
  AND (ended_at IS NULL OR ended_at > CAST(:start AS timestamptz))
  AND score >= :score AND (:all_kinds OR kind = ANY(:kinds))
ORDER BY sensor_id, kind, time
