SELECT sensors.name, sensors.area, road, cluster_shapes.name AS shape, cluster, distance, lat, lon, id AS sensor_id
FROM sensor_clusters
JOIN sensors ON id = sensor_id
JOIN cluster_shapes USING (cluster)
WHERE lat IS NOT NULL AND lon IS NOT NULL AND coalesce(sensors.area, '') IN (${area:sqlstring})
ORDER BY cluster, distance
