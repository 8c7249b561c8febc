CREATE OR REPLACE VIEW congestion_scan AS
SELECT corridor, time, ordinal, position_m, sensor_id, external_id AS sensor, speed_kmh,
       speed_kmh / nullif(links.free_flow_speed_kmh, 0) AS speed_ratio,
       good::double precision / nullif(readings, 0) AS good_share
FROM measures.links
JOIN sensors ON sensors.id = sensor_id
CROSS JOIN LATERAL ( -- grouped, so that each link's stretch is looked up by the index instead of joined to all
    SELECT time, sum(speed_kmh_sum) / nullif(sum(speed_kmh_count), 0) AS speed_kmh, sum(good) AS good,
           sum(readings) AS readings
    FROM readings_5m WHERE readings_5m.sensor_id = links.sensor_id GROUP BY time
) AS observed
WHERE corridor IS NOT NULL;

COMMENT ON VIEW congestion_scan IS 'Speed by time and place along each corridor, in 5 minutes: the picture on which queues are seen to grow';
COMMENT ON COLUMN congestion_scan.corridor IS 'road and direction';
COMMENT ON COLUMN congestion_scan.time IS 'start of the 5 minutes, UTC';
COMMENT ON COLUMN congestion_scan.ordinal IS 'place along the corridor in the direction of travel, from 1';
COMMENT ON COLUMN congestion_scan.position_m IS 'distance from the corridor''s first sensor, along the sensors, m';
COMMENT ON COLUMN congestion_scan.sensor_id IS 'sensors.id';
COMMENT ON COLUMN congestion_scan.sensor IS 'sensors.external_id, source:id';
COMMENT ON COLUMN congestion_scan.speed_kmh IS 'mean speed, km/h';
COMMENT ON COLUMN congestion_scan.speed_ratio IS 'speed_kmh / free-flow speed';
COMMENT ON COLUMN congestion_scan.good_share IS 'share of the readings behind it that are good, 0 to 1';
