-- What each incident that began on the day cost: the time vehicles on its sensors took beyond that of the same hour of
-- the same kind of day (weekday or weekend) in the 28 days before, from its start until half an hour after it was
-- cleared, when queues have drained. Without a clearing it is counted for a day after its newest update.
WITH affected AS (
    SELECT incidents.id AS incident_id, sensors.id AS sensor_id, links.length_m, started_at,
           coalesce(cleared_at + interval '30 minutes', incidents.time + interval '1 day') AS ended_at
    FROM incidents
    JOIN sensors ON external_id = ANY (incidents.sensors)
    LEFT JOIN measures.links ON links.sensor_id = sensors.id
    WHERE started_at >= %(start)s AND started_at < %(end)s
), samples AS (
    SELECT incident_id, affected.sensor_id, length_m, started_at, time, readings, good, speed_kmh,
           volume_vph / 12 AS vehicles, extract(hour FROM time AT TIME ZONE %(time_zone)s) AS hour
    FROM affected CROSS JOIN LATERAL (
        SELECT * FROM readings_5m
        WHERE readings_5m.sensor_id = affected.sensor_id AND time >= started_at AND time < ended_at
          AND speed_kmh_count > 0
    ) AS observed
), normal AS (
    SELECT incident_id, sensor_id, hours.hour, past.normal_kmh
    FROM (SELECT DISTINCT incident_id, sensor_id, started_at, hour FROM samples) AS hours
    CROSS JOIN LATERAL (
        SELECT sum(speed_kmh_sum) / nullif(sum(speed_kmh_count), 0) AS normal_kmh FROM readings_1h
        WHERE readings_1h.sensor_id = hours.sensor_id
          AND time >= started_at - interval '28 days' AND time < started_at - interval '1 hour'
          AND extract(hour FROM time AT TIME ZONE %(time_zone)s) = hours.hour
          AND (extract(isodow FROM time AT TIME ZONE %(time_zone)s) >= 6)
            = (extract(isodow FROM started_at AT TIME ZONE %(time_zone)s) >= 6)
    ) AS past
), lost AS (
    SELECT *, measures.hours_lost(length_m, speed_kmh, normal_kmh) AS hours_lost
    FROM samples JOIN normal USING (incident_id, sensor_id, hour)
)
INSERT INTO measures.incident_impact (incident_id, day, sensors, normal_speed_kmh, mean_speed_kmh, least_speed_kmh,
                                      vehicle_hours_of_delay, delay_s_per_vehicle, good_share, definition_id)
SELECT incident_id, %(day)s, count(DISTINCT sensor_id), avg(normal_kmh), avg(speed_kmh), min(speed_kmh),
       sum(vehicles * hours_lost), sum(hours_lost) * 3600 / nullif(count(DISTINCT time), 0),
       sum(good)::real / sum(readings), %(definition_id)s
FROM lost GROUP BY incident_id
ON CONFLICT (incident_id) DO NOTHING
