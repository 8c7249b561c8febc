CREATE OR REPLACE VIEW bottlenecks AS
SELECT day, rank() OVER (PARTITION BY day ORDER BY bottlenecks.vehicle_hours_of_delay DESC NULLS LAST,
                         delay_s_per_vehicle * active_minutes DESC NULLS LAST) AS rank,
       sensor_id, external_id AS sensor, name, area, corridor, position_m, started_at, ended_at, active_minutes,
       mean_extent_m, max_extent_m, bottlenecks.vehicle_hours_of_delay, delay_s_per_vehicle, good_share,
       bottleneck_speed_kmh, bottleneck_drop_kmh, time_zone, algorithm_version
FROM measures.bottlenecks
JOIN measures.definitions ON definitions.id = definition_id
JOIN measures.links USING (sensor_id)
JOIN sensors ON sensors.id = sensor_id;

COMMENT ON VIEW bottlenecks IS 'Activations of bottlenecks, by Chen, Skabardonis and Varaiya, Systematic Identification of Freeway Bottlenecks, TRR 1867 (2004), as in PeMS';
COMMENT ON COLUMN bottlenecks.day IS 'the city''s day, in time_zone';
COMMENT ON COLUMN bottlenecks.rank IS 'among the day''s, by delay; 1 lost the most';
COMMENT ON COLUMN bottlenecks.sensor_id IS 'sensors.id of the sensor at the head of the queue';
COMMENT ON COLUMN bottlenecks.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN bottlenecks.name IS 'what the sensor is called';
COMMENT ON COLUMN bottlenecks.area IS 'part of the city';
COMMENT ON COLUMN bottlenecks.corridor IS 'road and direction';
COMMENT ON COLUMN bottlenecks.position_m IS 'distance from the corridor''s first sensor, m';
COMMENT ON COLUMN bottlenecks.started_at IS 'start of the first 5 minutes in which it was active';
COMMENT ON COLUMN bottlenecks.ended_at IS 'end of the last 5 minutes in which it was active';
COMMENT ON COLUMN bottlenecks.active_minutes IS 'minutes in which it was active';
COMMENT ON COLUMN bottlenecks.mean_extent_m IS 'length of the queue upstream, mean, m';
COMMENT ON COLUMN bottlenecks.max_extent_m IS 'length of the queue upstream, greatest, m';
COMMENT ON COLUMN bottlenecks.vehicle_hours_of_delay IS 'hours lost by all vehicles in the queue; NULL where vehicles are not counted';
COMMENT ON COLUMN bottlenecks.delay_s_per_vehicle IS 'seconds lost by one vehicle through the queue, mean';
COMMENT ON COLUMN bottlenecks.good_share IS 'share of the head''s readings that are good, 0 to 1';
COMMENT ON COLUMN bottlenecks.bottleneck_speed_kmh IS 'the definition in force: below it traffic is congested (40 mph in the paper)';
COMMENT ON COLUMN bottlenecks.bottleneck_drop_kmh IS 'the definition in force: least rise of speed downstream (20 mph in the paper)';
COMMENT ON COLUMN bottlenecks.time_zone IS 'the definition in force: whose days count';
COMMENT ON COLUMN bottlenecks.algorithm_version IS 'version of the formulas; urbanclear schema reprocess brings the past to the newest';
