-- Activations of bottlenecks, by Chen, Skabardonis and Varaiya, "Systematic Identification of Freeway Bottlenecks"
-- (Transportation Research Record 1867, 2004): in 5 minutes a sensor is the head of a queue if its speed is below
-- bottleneck_speed_kmh (40 mph there) and that of the next one downstream, at most 3 miles on, is higher by at least
-- bottleneck_drop_kmh (20 mph). It is active while that holds in 5 of any 7 buckets in a row. The queue reaches
-- upstream as far as sensors are below bottleneck_speed_kmh without a gap; where links overlap it is not longer than the
-- way between its ends.
WITH samples AS (
    SELECT corridor, ordinal, sensor_id, time, position_m, length_m, readings, good, speed_kmh,
           speed_kmh < %(bottleneck_speed_kmh)s AS congested,
           volume_vph / 12 AS vehicles,
           measures.hours_lost(length_m, speed_kmh, free_flow_speed_kmh * %(delay_speed_ratio)s) AS hours_lost
    FROM readings_5m JOIN measures.links USING (sensor_id)
    WHERE time >= %(start)s AND time < %(end)s AND corridor IS NOT NULL AND speed_kmh_count > 0
), lined AS (
    SELECT *,
           congested AND lead(speed_kmh) OVER way - speed_kmh >= %(bottleneck_drop_kmh)s
               AND lead(position_m) OVER way - position_m <= 4828 AS head,
           sum(length_m) OVER way AS length_so_far,
           sum(hours_lost) OVER way AS lost_so_far,
           sum(vehicles * hours_lost) OVER way AS vehicle_hours_so_far
    FROM samples
    WINDOW way AS (PARTITION BY corridor, time ORDER BY ordinal)
), queued AS (
    SELECT sensor_id, time, head, readings, good,
           least(length_so_far - coalesce(max(length_so_far) FILTER (WHERE NOT congested) OVER way, 0),
                 position_m - coalesce(max(position_m) FILTER (WHERE NOT congested) OVER way,
                                       first_value(position_m) OVER way) + length_m) AS extent_m,
           lost_so_far - coalesce(max(lost_so_far) FILTER (WHERE NOT congested) OVER way, 0) AS hours_lost,
           vehicle_hours_so_far
               - coalesce(max(vehicle_hours_so_far) FILTER (WHERE NOT congested) OVER way, 0) AS vehicle_hours
    FROM lined
    WINDOW way AS (PARTITION BY corridor, time ORDER BY ordinal)
), counted AS (
    SELECT *, count(*) OVER (PARTITION BY sensor_id ORDER BY time
                             RANGE BETWEEN CURRENT ROW AND interval '30 minutes' FOLLOWING) >= 5 AS opens
    FROM queued WHERE head
), sustained AS (
    SELECT *, bool_or(opens) OVER (PARTITION BY sensor_id ORDER BY time
                                   RANGE BETWEEN interval '30 minutes' PRECEDING AND CURRENT ROW) AS active
    FROM counted
), begun AS (
    SELECT *, coalesce(time - lag(time) OVER (PARTITION BY sensor_id ORDER BY time) > interval '30 minutes', true)
                  AS begins
    FROM sustained WHERE active
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY sensor_id ORDER BY time) AS activation FROM begun
)
INSERT INTO measures.bottlenecks (sensor_id, started_at, day, ended_at, active_minutes, mean_extent_m, max_extent_m,
                                  vehicle_hours_of_delay, delay_s_per_vehicle, good_share, definition_id)
SELECT sensor_id, min(time), %(day)s, max(time) + interval '5 minutes', 5 * count(*), avg(extent_m), max(extent_m),
       sum(vehicle_hours), avg(hours_lost) * 3600, sum(good)::real / sum(readings), %(definition_id)s
FROM numbered GROUP BY sensor_id, activation
