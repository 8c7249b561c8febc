SELECT sensors.id, external_id, sensors.name, area, road, direction,
       coalesce(corridor, road || coalesce(' ' || direction, '')) AS corridor, cluster_shapes.name AS cluster,
       coalesce(links.length_m, sensors.length_m),
       coalesce(sensors.free_flow_speed_kmh, links.free_flow_speed_kmh), readings_per_hour
FROM sensors
LEFT JOIN measures.links ON links.sensor_id = sensors.id
LEFT JOIN sensor_clusters ON sensor_clusters.sensor_id = sensors.id
LEFT JOIN cluster_shapes USING (cluster)
ORDER BY sensors.id
