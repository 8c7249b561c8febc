SELECT count(*) FILTER (WHERE age < interval '15 minutes')::double precision / nullif(count(*), 0) AS reporting
FROM sensors
LEFT JOIN current_conditions ON sensor_id = sensors.id
WHERE coalesce(sensors.area, '') IN (${area:sqlstring})
