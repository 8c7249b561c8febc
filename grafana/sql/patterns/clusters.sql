SELECT shapes.cluster, shapes.name AS shape, shapes.sensors,
       count(*) FILTER (WHERE coalesce(member.area, '') IN (${area:sqlstring})) AS "in the areas",
       typical.name AS "most typical sensor", avg(distance) AS "mean distance", silhouette, stability,
       medoid_sensor_id AS sensor_id
FROM cluster_shapes AS shapes
JOIN sensors AS typical ON typical.id = medoid_sensor_id
LEFT JOIN sensor_clusters USING (cluster)
LEFT JOIN sensors AS member ON member.id = sensor_clusters.sensor_id
GROUP BY shapes.cluster, typical.name
ORDER BY cluster
