SELECT road || coalesce(' ' || direction, '') AS corridor
FROM sensors
WHERE lat IS NOT NULL AND lon IS NOT NULL AND road IS NOT NULL
GROUP BY 1
ORDER BY count(*) DESC, 1
