SELECT DISTINCT coalesce(area, '') AS __value, coalesce(area, 'no area') AS __text
FROM sensors
ORDER BY 2
