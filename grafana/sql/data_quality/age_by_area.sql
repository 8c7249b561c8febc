SELECT coalesce(sensors.area, 'no area') AS area, count(*) AS sensors,
       extract(epoch FROM min(age))::float8 AS newest,
       extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY age))::float8 AS median,
       extract(epoch FROM max(age))::float8 AS oldest,
       count(*) FILTER (WHERE age IS NULL OR age > interval '15 minutes') AS silent
FROM sensors
LEFT JOIN current_conditions ON sensor_id = id
WHERE coalesce(sensors.area, '') IN (${area:sqlstring})
GROUP BY 1
ORDER BY median DESC NULLS FIRST
