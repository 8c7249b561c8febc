CREATE OR REPLACE VIEW current_conditions AS
SELECT sensors.id AS sensor_id, external_id AS sensor, name, area, road, direction, newest.time,
       newest.speed_kmh, newest.volume_vph, newest.occupancy, newest.travel_time_s,
       reference.kmh AS free_flow_speed_kmh,
       ratio AS speed_ratio, level_of_service(ratio) AS level_of_service,
       now() - newest.time AS age
FROM sensors
JOIN latest_readings AS newest ON newest.sensor_id = sensors.id
LEFT JOIN measures.links ON links.sensor_id = sensors.id
CROSS JOIN LATERAL (SELECT coalesce(sensors.free_flow_speed_kmh, links.free_flow_speed_kmh) AS kmh) AS reference
CROSS JOIN LATERAL (
    SELECT round((newest.speed_kmh / nullif(reference.kmh, 0))::numeric, 3)::double precision AS ratio
) AS state;

COMMENT ON VIEW current_conditions IS 'The newest good reading of each sensor and what it means. Each row is one reading, so its share of good readings is 1';
COMMENT ON COLUMN current_conditions.sensor_id IS 'sensors.id';
COMMENT ON COLUMN current_conditions.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN current_conditions.name IS 'what the sensor is called';
COMMENT ON COLUMN current_conditions.area IS 'part of the city';
COMMENT ON COLUMN current_conditions.road IS 'road the sensor is on';
COMMENT ON COLUMN current_conditions.direction IS 'compass direction of travel';
COMMENT ON COLUMN current_conditions.time IS 'when the reading was made';
COMMENT ON COLUMN current_conditions.speed_kmh IS 'speed, km/h';
COMMENT ON COLUMN current_conditions.volume_vph IS 'volume, vehicles per hour';
COMMENT ON COLUMN current_conditions.occupancy IS 'share of time a vehicle covers the detector, 0 to 1';
COMMENT ON COLUMN current_conditions.travel_time_s IS 'travel time over the link, seconds';
COMMENT ON COLUMN current_conditions.free_flow_speed_kmh IS 'the sensor''s own, or the 85th percentile of its hourly speeds in the last 30 days, km/h';
COMMENT ON COLUMN current_conditions.speed_ratio IS 'speed_kmh / free_flow_speed_kmh, to 0.001';
COMMENT ON COLUMN current_conditions.level_of_service IS 'A (free) to F (jammed), from speed_ratio; Highway Capacity Manual 2010, exhibit 16-4';
COMMENT ON COLUMN current_conditions.age IS 'how long ago the reading was made';
