CREATE OR REPLACE VIEW reliability_daily AS
SELECT day, sensor_id, external_id AS sensor, name, area, corridor, period, travel_time_index, planning_time_index,
       buffer_index, buckets, good_share, planning_percentile, time_zone, algorithm_version
FROM measures.reliability
JOIN measures.definitions ON definitions.id = definition_id
JOIN measures.links USING (sensor_id)
JOIN sensors ON sensors.id = sensor_id;

COMMENT ON VIEW reliability_daily IS 'Travel time, planning time and buffer index of each sensor by day and period; FHWA, Travel Time Reliability: Making It There On Time, All The Time (2006)';
COMMENT ON COLUMN reliability_daily.day IS 'the city''s day, in time_zone';
COMMENT ON COLUMN reliability_daily.sensor_id IS 'sensors.id';
COMMENT ON COLUMN reliability_daily.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN reliability_daily.name IS 'what the sensor is called';
COMMENT ON COLUMN reliability_daily.area IS 'part of the city';
COMMENT ON COLUMN reliability_daily.corridor IS 'road and direction';
COMMENT ON COLUMN reliability_daily.period IS 'am peak (weekdays 6-10 h), midday (10-16), pm peak (16-20), weekend (6-20), overnight (20-6); 23 CFR 490.511';
COMMENT ON COLUMN reliability_daily.travel_time_index IS 'mean travel time / free-flow travel time, over the period''s 5 minutes';
COMMENT ON COLUMN reliability_daily.planning_time_index IS 'planning_percentile of travel time / free-flow travel time';
COMMENT ON COLUMN reliability_daily.buffer_index IS '(planning_percentile of travel time - mean) / mean';
COMMENT ON COLUMN reliability_daily.buckets IS '5-minute buckets with a speed';
COMMENT ON COLUMN reliability_daily.good_share IS 'share of the readings behind it that are good, 0 to 1';
COMMENT ON COLUMN reliability_daily.planning_percentile IS 'the definition in force: FHWA takes 0.95, some agencies 0.8';
COMMENT ON COLUMN reliability_daily.time_zone IS 'the definition in force: whose days and hours count';
COMMENT ON COLUMN reliability_daily.algorithm_version IS 'version of the formulas; urbanclear schema reprocess brings the past to the newest';
