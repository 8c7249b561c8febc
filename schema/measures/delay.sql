-- Vehicle hours of delay of each sensor: the time its vehicles took beyond that at the reference speed, which is
-- delay_speed_ratio times free-flow speed. In 5 minutes volume_vph / 12 vehicles pass. Where a sensor counts no
-- vehicles, only the delay of one vehicle is known.
WITH samples AS (
    SELECT readings_5m.sensor_id, readings, good, speed_kmh, volume_vph / 12 AS vehicles,
           length_m / 1000 AS km,
           measures.hours_lost(length_m, speed_kmh, free_flow_speed_kmh * %(delay_speed_ratio)s) AS hours_lost
    FROM readings_5m JOIN measures.links USING (sensor_id)
    WHERE time >= %(start)s AND time < %(end)s AND length_m IS NOT NULL AND free_flow_speed_kmh IS NOT NULL
)
INSERT INTO measures.delay (day, sensor_id, vehicle_hours_of_delay, vehicle_hours, vehicle_km, delay_s_per_vehicle,
                            buckets, good_share, definition_id)
SELECT %(day)s, sensor_id, sum(vehicles * hours_lost), sum(vehicles * km / measures.moving_kmh(speed_kmh)),
       sum(vehicles * km) FILTER (WHERE speed_kmh IS NOT NULL), avg(hours_lost) * 3600, count(speed_kmh),
       sum(good)::real / sum(readings), %(definition_id)s
FROM samples GROUP BY sensor_id HAVING count(speed_kmh) > 0
