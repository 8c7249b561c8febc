SELECT id AS __value, concat_ws(', ', name, external_id) AS __text
FROM sensors
WHERE coalesce(area, '') IN (${area:sqlstring})
UNION ALL SELECT 0, 'none yet' WHERE NOT EXISTS (SELECT FROM sensors)
ORDER BY 2
