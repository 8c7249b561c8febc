SELECT sensor_id::text
FROM current_conditions
JOIN alerts ON subject = sensor
WHERE age < interval '10 minutes' AND current_conditions.road IS NOT NULL
  AND EXISTS (SELECT FROM anomalies WHERE sensor_id = current_conditions.sensor_id AND time > now() - interval '6 days')
  AND EXISTS (SELECT FROM incidents WHERE sensors @> ARRAY[sensor] AND started_at > now() - interval '6 days')
ORDER BY alerts.state, sensor_id
LIMIT 1
