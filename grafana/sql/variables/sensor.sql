SELECT id AS __value, concat_ws(', ', name, external_id) AS __text
FROM sensors
WHERE coalesce(area, '') IN (${area:sqlstring})
ORDER BY 2
