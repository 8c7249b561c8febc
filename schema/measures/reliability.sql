-- Travel time, planning time and buffer index of each sensor by period of the day, from 5-minute mean speeds.
-- FHWA, "Travel Time Reliability: Making It There On Time, All The Time" (2006): travel time index = mean travel time /
-- free-flow travel time; planning time index = 95th percentile of travel time / free-flow travel time; buffer index =
-- (95th percentile - mean) / mean. Periods: 23 CFR 490.511 (weekdays 6-10, 10-16, 16-20 h; weekends 6-20 h; overnight).
-- Travel time is to free-flow travel time as free-flow speed is to speed, so no length is needed.
WITH samples AS (
    SELECT readings_5m.sensor_id, readings, good,
           links.free_flow_speed_kmh / measures.moving_kmh(speed_kmh) AS travel_time_ratio,
           CASE WHEN hour < 6 OR hour >= 20 THEN 'overnight'
                WHEN weekday >= 6 THEN 'weekend'
                WHEN hour < 10 THEN 'am peak'
                WHEN hour < 16 THEN 'midday'
                ELSE 'pm peak' END AS period
    FROM readings_5m
    JOIN measures.links USING (sensor_id)
    CROSS JOIN LATERAL (
        SELECT extract(hour FROM time AT TIME ZONE %(time_zone)s) AS hour,
               extract(isodow FROM time AT TIME ZONE %(time_zone)s) AS weekday
    ) AS local
    WHERE time >= %(start)s AND time < %(end)s
)
INSERT INTO measures.reliability (day, sensor_id, period, travel_time_index, planning_time_index, buffer_index,
                                  buckets, good_share, definition_id)
SELECT %(day)s, sensor_id, period, mean, planned, planned / mean - 1, buckets, good_share, %(definition_id)s
FROM (
    SELECT sensor_id, period, avg(travel_time_ratio) AS mean, count(travel_time_ratio) AS buckets,
           percentile_cont(%(planning_percentile)s) WITHIN GROUP (ORDER BY travel_time_ratio) AS planned,
           sum(good)::real / sum(readings) AS good_share
    FROM samples GROUP BY sensor_id, period
) AS measured
WHERE mean IS NOT NULL
