SELECT corridor
FROM (
    SELECT road || coalesce(' ' || direction, '') AS corridor, count(*) AS sensors
    FROM sensors
    WHERE lat IS NOT NULL AND lon IS NOT NULL AND road IS NOT NULL
    GROUP BY 1
    UNION SELECT 'none yet', 0 WHERE NOT EXISTS (SELECT FROM sensors WHERE lat IS NOT NULL AND road IS NOT NULL)
) AS corridors
ORDER BY sensors DESC, 1
