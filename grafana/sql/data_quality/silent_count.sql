SELECT count(*) AS sensors
FROM sensors
LEFT JOIN current_conditions ON sensor_id = id
WHERE (age IS NULL OR age > interval '15 minutes') AND coalesce(sensors.area, '') IN (${area:sqlstring})
