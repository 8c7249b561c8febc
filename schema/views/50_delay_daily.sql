CREATE OR REPLACE VIEW delay_daily AS
SELECT day, sensor_id, external_id AS sensor, name, area, corridor, vehicle_hours_of_delay, vehicle_hours, vehicle_km,
       delay_s_per_vehicle, buckets, good_share, delay_speed_ratio, time_zone, algorithm_version
FROM measures.delay
JOIN measures.definitions ON definitions.id = definition_id
JOIN measures.links USING (sensor_id)
JOIN sensors ON sensors.id = sensor_id;

COMMENT ON VIEW delay_daily IS 'Time lost on each link by day: volume * length * (1/speed - 1/reference speed), where that is positive';
COMMENT ON COLUMN delay_daily.day IS 'the city''s day, in time_zone';
COMMENT ON COLUMN delay_daily.sensor_id IS 'sensors.id';
COMMENT ON COLUMN delay_daily.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN delay_daily.name IS 'what the sensor is called';
COMMENT ON COLUMN delay_daily.area IS 'part of the city';
COMMENT ON COLUMN delay_daily.corridor IS 'road and direction';
COMMENT ON COLUMN delay_daily.vehicle_hours_of_delay IS 'hours lost by all vehicles; NULL where vehicles are not counted';
COMMENT ON COLUMN delay_daily.vehicle_hours IS 'hours travelled by all vehicles (VHT)';
COMMENT ON COLUMN delay_daily.vehicle_km IS 'kilometres travelled by all vehicles';
COMMENT ON COLUMN delay_daily.delay_s_per_vehicle IS 'seconds lost by one vehicle on the link, mean over the day''s 5 minutes';
COMMENT ON COLUMN delay_daily.buckets IS '5-minute buckets with a speed';
COMMENT ON COLUMN delay_daily.good_share IS 'share of the readings behind it that are good, 0 to 1';
COMMENT ON COLUMN delay_daily.delay_speed_ratio IS 'the definition in force: reference speed / free-flow speed';
COMMENT ON COLUMN delay_daily.time_zone IS 'the definition in force: whose days count';
COMMENT ON COLUMN delay_daily.algorithm_version IS 'version of the formulas; urbanclear schema reprocess brings the past to the newest';
