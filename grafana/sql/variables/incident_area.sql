SELECT DISTINCT coalesce(area, '') AS __value, coalesce(area, 'no area') AS __text
FROM (SELECT area FROM sensors UNION SELECT area FROM incidents) AS areas
ORDER BY 2
