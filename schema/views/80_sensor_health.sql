CREATE OR REPLACE VIEW sensor_health AS
WITH span AS MATERIALIZED (
    SELECT date_bin('5 minutes', max(time), 'epoch') - interval '23 hours 55 minutes' AS start FROM latest_readings
), hours AS (
    SELECT sensor_id, sum(readings)::integer AS readings, sum(good)::integer AS good,
           sum(implausible)::integer AS implausible, sum(stuck)::integer AS flagged_stuck,
           count(*) AS stretches, count(*) FILTER (WHERE good > 0) AS good_stretches,
           sum(speed_kmh_count) >= 6 AND min(speed_kmh_min) = max(speed_kmh_max) AS at_one_value
    FROM readings_5m CROSS JOIN span
    WHERE time >= (SELECT start FROM span)
    GROUP BY sensor_id, date_bin('1 hour', time, start)
), day AS MATERIALIZED (
    SELECT sensor_id, sum(readings) AS readings, sum(good) AS good, sum(implausible) AS implausible,
           sum(flagged_stuck) AS flagged_stuck, count(*) FILTER (WHERE at_one_value) AS stuck_hours,
           sum(reported_share(readings, stretches, readings_per_hour)) / 24 AS reporting_share,
           sum(reported_share(good, good_stretches, readings_per_hour)) / 24 AS good_reporting_share
    FROM hours LEFT JOIN measures.links USING (sensor_id)
    GROUP BY sensor_id
)
SELECT sensors.id AS sensor_id, external_id AS sensor, name, area, corridor,
       24 * readings_per_hour AS expected_readings, coalesce(readings, 0) AS readings,
       CASE WHEN readings_per_hour > 0 THEN coalesce(reporting_share, 0) END AS reporting_share,
       good::double precision / nullif(readings, 0) AS good_share,
       coalesce(implausible, 0) AS implausible, coalesce(flagged_stuck, 0) AS stuck,
       coalesce(stuck_hours, 0) AS stuck_hours, newest.time AS last_seen,
       CASE WHEN readings_per_hour > 0
           THEN coalesce(good_reporting_share, 0) > 0.9 AND coalesce(stuck_hours, 0) = 0 END AS healthy
FROM sensors
LEFT JOIN measures.links ON links.sensor_id = sensors.id
LEFT JOIN day ON day.sensor_id = sensors.id
LEFT JOIN latest_readings AS newest ON newest.sensor_id = sensors.id;

COMMENT ON VIEW sensor_health IS 'How far each sensor can be trusted, from the last 24 hours of the data';
COMMENT ON COLUMN sensor_health.sensor_id IS 'sensors.id';
COMMENT ON COLUMN sensor_health.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN sensor_health.name IS 'what the sensor is called';
COMMENT ON COLUMN sensor_health.area IS 'part of the city';
COMMENT ON COLUMN sensor_health.corridor IS 'road and direction';
COMMENT ON COLUMN sensor_health.expected_readings IS '24 times the 90th percentile of its hourly counts in the last week';
COMMENT ON COLUMN sensor_health.readings IS 'readings stored, flagged ones included';
COMMENT ON COLUMN sensor_health.reporting_share IS 'mean of reported_share over the 24 hours, 0 to 1';
COMMENT ON COLUMN sensor_health.good_share IS 'share of the readings that are good, 0 to 1';
COMMENT ON COLUMN sensor_health.implausible IS 'readings flagged as implausible';
COMMENT ON COLUMN sensor_health.stuck IS 'readings flagged as stuck';
COMMENT ON COLUMN sensor_health.stuck_hours IS 'hours of at least 6 speeds that are all the same';
COMMENT ON COLUMN sensor_health.last_seen IS 'time of the newest good reading';
COMMENT ON COLUMN sensor_health.healthy IS 'above 90 % reported with good readings, and no stuck hour (the share that PeMS takes)';
