SELECT DISTINCT road || coalesce(' ' || direction, '') AS corridor
FROM sensors
WHERE lat IS NOT NULL AND lon IS NOT NULL AND road IS NOT NULL
ORDER BY 1
