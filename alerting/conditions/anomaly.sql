SELECT DISTINCT ON (sensor_id, kind) sensor_id, kind, score::float8
FROM anomalies
WHERE ended_at IS NULL AND score >= :score AND (:all_kinds OR kind = ANY(:kinds))
  AND time > CAST(:now AS timestamptz) - CAST(:forgotten AS interval) AND time <= CAST(:now AS timestamptz)
ORDER BY sensor_id, kind, time DESC
