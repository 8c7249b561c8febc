CREATE OR REPLACE VIEW corridor_travel_times AS
SELECT corridor, time, whole.length_m,
       sum(links.length_m * 3.6 / measures.moving_kmh(speed_kmh)) * whole.length_m / sum(links.length_m) AS travel_time_s,
       sum(links.length_m * 3.6 / measures.moving_kmh(speed_kmh)) FILTER (WHERE links.free_flow_speed_kmh > 0)
           / sum(links.length_m * 3.6 / nullif(links.free_flow_speed_kmh, 0))
           AS travel_time_index,
       1 - sum(links.length_m) / whole.length_m AS imputed_share,
       sum(good)::double precision / sum(readings) AS good_share
FROM measures.links
CROSS JOIN LATERAL ( -- grouped, so that each link's stretch is looked up by the index instead of joined to all
    SELECT time, sum(speed_kmh_sum) / sum(speed_kmh_count) AS speed_kmh, sum(good) AS good, sum(readings) AS readings
    FROM readings_5m WHERE readings_5m.sensor_id = links.sensor_id AND speed_kmh_count > 0 GROUP BY time
) AS observed
JOIN (SELECT corridor, sum(length_m) AS length_m FROM measures.links GROUP BY corridor) AS whole USING (corridor)
WHERE links.length_m > 0
GROUP BY corridor, time, whole.length_m;

COMMENT ON VIEW corridor_travel_times IS 'Instantaneous travel time over each corridor in 5 minutes: the sum of its links'' lengths over their mean speeds';
COMMENT ON COLUMN corridor_travel_times.corridor IS 'road and direction';
COMMENT ON COLUMN corridor_travel_times.time IS 'start of the 5 minutes, UTC';
COMMENT ON COLUMN corridor_travel_times.length_m IS 'of all links of the corridor, m';
COMMENT ON COLUMN corridor_travel_times.travel_time_s IS 'over the whole corridor, seconds; links without data take the pace of the others; a standstill counts as 1.6 km/h';
COMMENT ON COLUMN corridor_travel_times.travel_time_index IS 'travel time / travel time at free-flow speed, of the links with data';
COMMENT ON COLUMN corridor_travel_times.imputed_share IS 'share of the corridor''s length without data, 0 to 1';
COMMENT ON COLUMN corridor_travel_times.good_share IS 'share of the readings behind it that are good, 0 to 1';
