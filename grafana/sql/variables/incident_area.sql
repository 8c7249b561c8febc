SELECT DISTINCT coalesce(area, '') AS __value, coalesce(area, 'no area') AS __text
FROM (
    SELECT area FROM sensors
    UNION SELECT area FROM incidents
    UNION SELECT NULL WHERE NOT EXISTS (SELECT FROM sensors)
) AS areas
ORDER BY 2
