SELECT sensors.name, sensors.area, sensors.road, external_id AS sensor, current_conditions.time AS "last seen",
       extract(epoch FROM age)::float8 AS silent, id AS sensor_id
FROM sensors
LEFT JOIN current_conditions ON sensor_id = id
WHERE (age IS NULL OR age > interval '15 minutes') AND coalesce(sensors.area, '') IN (${area:sqlstring})
ORDER BY age DESC NULLS FIRST
LIMIT 200
