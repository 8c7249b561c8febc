-- What Spark, the forecasts and alerting write, made by SQL of the readings that are there.
INSERT INTO spark_runs (id, job, status, started_at, ended_at, span_start, span_end, parameters, code_version,
                        rows_in, rows_out)
SELECT job || '-1', job, 'succeeded', now() - interval '5 hours', now() - interval '5 hours' + minutes * interval '1 minute',
       now() - interval '7 days', now(), '{}', '0', 250000, 10000
FROM unnest('{patterns,clusters,anomalies,maintenance,insights}'::text[], '{3,1,2,1,1}'::integer[]) AS run (job, minutes);

INSERT INTO spark_runs (id, job, status, started_at, ended_at, parameters, code_version, error)
VALUES ('clusters-0', 'clusters', 'failed', now() - interval '29 hours', now() - interval '28 hours', '{}', '0', 'There are too few sensors.');

CREATE TEMPORARY TABLE quarters AS
SELECT sensor_id, avg(speed_kmh) AS speed_kmh, avg(volume_vph) AS volume_vph,
       (extract(hour FROM local) * 60 + extract(minute FROM local))::smallint AS minute
FROM readings_5m
CROSS JOIN LATERAL (
    SELECT date_bin('15 minutes', time, timestamptz 'epoch') AT TIME ZONE 'America/New_York' AS local
) AS there
WHERE speed_kmh IS NOT NULL
GROUP BY sensor_id, local;

INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, volume_vph, days, run_id)
SELECT subject_kind, subject, day_type, minute, median, low, high, volume_vph, 7, 'patterns-1'
FROM (
    SELECT subject_kind, subject, minute,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY speed_kmh) AS median,
           percentile_cont(0.1) WITHIN GROUP (ORDER BY speed_kmh) AS low,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY speed_kmh) AS high,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY volume_vph) AS volume_vph
    FROM quarters
    JOIN sensors ON sensors.id = sensor_id
    CROSS JOIN LATERAL (
        VALUES ('sensor', external_id COLLATE "C"), ('area', area COLLATE "C"), ('road', road COLLATE "C")
    ) AS of (subject_kind, subject)
    WHERE subject IS NOT NULL
    GROUP BY subject_kind, subject, minute
) AS normal
CROSS JOIN unnest('{weekday,saturday,sunday}'::text[]) AS day_type;

INSERT INTO seasonality (subject_kind, subject, daily_strength, weekly_strength, rush_hours, run_id)
SELECT DISTINCT subject_kind, subject, 0.7, 0.2,
       '[{"day_type": "weekday", "from_minute": 960, "to_minute": 1140, "slowest_minute": 1035, "depth": 0.4}]'::jsonb,
       'patterns-1'
FROM profiles;

INSERT INTO sensor_clusters (sensor_id, cluster, k, distance, profile, computed_at)
SELECT sensor_id, sensor_id % 3, 3, 0.1 + 0.01 * (sensor_id % 7),
       array_agg(speed_kmh / fastest ORDER BY hour)::real[], now()
FROM (
    SELECT sensor_id, hour, coalesce(avg(speed_kmh), avg(avg(speed_kmh)) OVER (PARTITION BY sensor_id)) AS speed_kmh,
           max(avg(speed_kmh)) OVER (PARTITION BY sensor_id) AS fastest
    FROM (SELECT DISTINCT sensor_id FROM readings_1h) AS seen
    CROSS JOIN generate_series(0, 167) AS hour
    LEFT JOIN (
        SELECT sensor_id, speed_kmh, (extract(isodow FROM local) * 24 - 24 + extract(hour FROM local))::integer AS hour
        FROM readings_1h CROSS JOIN LATERAL (SELECT time AT TIME ZONE 'America/New_York' AS local) AS there
    ) AS hourly USING (sensor_id, hour)
    GROUP BY sensor_id, hour
) AS week
WHERE fastest > 0
GROUP BY sensor_id;

INSERT INTO cluster_shapes (cluster, name, sensors, medoid_sensor_id, profile, silhouette, stability, run_id)
SELECT cluster, (ARRAY['morning peak', 'evening peak', 'even'])[cluster + 1], max(sensors), min(medoid),
       array_agg(mean ORDER BY hour), 0.4, 0.9, 'clusters-1'
FROM (
    SELECT cluster, hour, avg(value)::real AS mean, count(*) AS sensors, min(sensor_id) AS medoid
    FROM sensor_clusters CROSS JOIN unnest(profile) WITH ORDINALITY AS week (value, hour)
    GROUP BY cluster, hour
) AS centre
GROUP BY cluster;

INSERT INTO anomalies (sensor_id, time, kind, ended_at, score, expected, observed, run_id)
SELECT sensor_id, time, kind, CASE WHEN time < now() - interval '90 minutes' THEN time + interval '40 minutes' END,
       4 + sensor_id % 5, speed_kmh, CASE kind WHEN 'speed_drop' THEN speed_kmh_min ELSE speed_kmh_max END, 'anomalies-1'
FROM readings_1h
CROSS JOIN LATERAL (
    SELECT CASE WHEN speed_kmh_min < 0.5 * speed_kmh THEN 'speed_drop'
                WHEN speed_kmh_max > 1.8 * speed_kmh THEN 'speed_rise'
                WHEN sensor_id % 17 = 0 AND extract(hour FROM time) = 3 THEN 'stuck' END AS kind
) AS found
WHERE kind IS NOT NULL;

INSERT INTO anomalies (sensor_id, time, kind, score, expected, observed)
SELECT sensor_id, time - interval '10 minutes', 'speed_drop', 6, 2 * speed_kmh, speed_kmh
FROM latest_readings ORDER BY speed_kmh LIMIT 5;

INSERT INTO maintenance (sensor_id, rank, risk, reason, failures, silent_hours, stuck_hours, missing_share,
                         last_failure, days, run_id)
SELECT id, row_number() OVER (ORDER BY id % 11 DESC, id), (id % 11) / 12.0, format('silent %s times in 7 days', id % 11),
       id % 11, 0.5 * (id % 11), 0, 0.02, CASE WHEN id % 11 > 0 THEN now() - interval '2 days' END, 7, 'maintenance-1'
FROM sensors;

INSERT INTO insights (run_id, kind, rank, subject, value, unit, before, detail)
SELECT 'insights-1', kind, 1, subject, value, unit, before, '{"good_share": 0.98}'::jsonb
FROM (VALUES ('total', 'delay', 5200.0, 'vehicle hours', 5000.0),
             ('total', 'cost of delay', 104000.0, 'USD', 100000.0)) AS total (kind, subject, value, unit, before)
WHERE subject = 'delay'
UNION ALL
SELECT 'insights-1', kind, row_number() OVER (PARTITION BY kind ORDER BY corridor), corridor,
       200 - 10 * row_number() OVER (PARTITION BY kind ORDER BY corridor), unit, 100, '{"good_share": 0.98}'::jsonb
FROM (SELECT DISTINCT road || coalesce(' ' || direction, '') AS corridor FROM sensors WHERE road IS NOT NULL LIMIT 10) AS corridors
CROSS JOIN (VALUES ('worst_delay', 'vehicle hours'), ('worst_reliability', 'planning time index'),
                   ('mover_worse', 'vehicle hours'), ('mover_better', 'vehicle hours'),
                   ('bottleneck', 'vehicle hours'), ('incident_cost', 'USD')) AS ranking (kind, unit);

INSERT INTO forecast_models (name, state, trained_at, data_from, data_to, code_version, seed, sha256, path, metrics, promoted_at)
SELECT name, state, now() - age, now() - age - interval '28 days', now() - age, '0', 1, '0', name || '.joblib',
       jsonb_build_object(
           'horizons', (SELECT jsonb_object_agg(minutes::text, jsonb_build_object('mae_kmh', 3 + minutes / 20.0, 'coverage', 0.9))
                        FROM generate_series(5, 60, 5) AS minutes),
           'held_out', jsonb_build_array(jsonb_build_object('from', now() - age - interval '7 days', 'to', now() - age,
                                                            'mae_kmh', 4.5))),
       now() - age + interval '1 hour'
FROM (VALUES ('network-2', 'in_place', interval '1 day'), ('network-1', 'former', interval '8 days')) AS model (name, state, age);

-- Each is off by up to a seventh an hour ahead, by less before, with an interval that holds nine in ten.
INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
SELECT sensor_id, time + interval '5 minutes', time + interval '5 minutes' - ahead, speed_kmh * (1 + error),
       speed_kmh * (1 + error - 0.988 * most), speed_kmh * (1 + error + 0.988 * most),
       CASE WHEN time > now() - interval '1 day' THEN 'network-2' ELSE 'network-1' END
FROM readings_5m
CROSS JOIN unnest('{5 minutes,15 minutes,30 minutes,60 minutes}'::interval[]) AS ahead
CROSS JOIN LATERAL (SELECT 0.14 * sqrt(extract(epoch FROM ahead) / 3600)::double precision AS most) AS bound
CROSS JOIN LATERAL (SELECT most * sin(7 * sensor_id + extract(epoch FROM time) / 3000 + 9 * most) AS error) AS made
WHERE time > now() - interval '3 days' AND extract(minute FROM time)::integer % 15 = 10 AND speed_kmh IS NOT NULL;

INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
SELECT sensor_id, made_at + step * interval '5 minutes', made_at, speed_kmh, 0.8 * speed_kmh, 1.2 * speed_kmh, 'network-2'
FROM latest_readings
CROSS JOIN date_bin('5 minutes', now(), timestamptz 'epoch') AS made_at
CROSS JOIN generate_series(1, 12) AS step
WHERE speed_kmh IS NOT NULL
ON CONFLICT DO NOTHING;

INSERT INTO weather (station, time, temperature_c, precipitation_mm, wind_speed_kmh, visibility_m, condition)
SELECT 'test:central-park', time, 15 + 6 * cos(extract(hour FROM time) / 4), wet, 12, 10000, CASE WHEN wet > 0 THEN 'rain' ELSE 'clear' END
FROM generate_series(date_trunc('hour', now()) - interval '8 days', now(), interval '1 hour') AS time
CROSS JOIN LATERAL (
    SELECT CASE WHEN extract(day FROM time)::integer % 3 = 0 AND extract(hour FROM time) BETWEEN 9 AND 15 THEN 3.2 ELSE 0 END AS wet
) AS rain;

-- Collisions name no sensors: each within about a kilometre of a link's middle is laid to it. The newest last, and block lanes.
UPDATE incidents SET sensors = ARRAY[nearest.external_id], road = coalesce(incidents.road, nearest.road)
FROM incidents AS same
CROSS JOIN LATERAL (
    SELECT external_id, road, (sensors.lat - same.lat) ^ 2 + (sensors.lon - same.lon) ^ 2 AS apart
    FROM sensors WHERE lat IS NOT NULL ORDER BY apart LIMIT 1
) AS nearest
WHERE same.id = incidents.id AND apart < 0.01 ^ 2;

UPDATE incidents SET status = 'updated', cleared_at = NULL, lanes_blocked = length(id) % 2 + 1, severity = 'high'
WHERE id IN (SELECT id FROM incidents WHERE sensors <> '{}' ORDER BY started_at DESC LIMIT 6);

INSERT INTO alert_definitions (kind, name, version, definition, origin, changed_by)
VALUES ('rule', 'congestion', 1, '{"title": "Slow", "when": {"kind": "threshold"}, "priority": "high"}', 'file', 'test');

-- Of the eight slowest sensors one fires, and each had one on every day; the others had one in the week.
INSERT INTO alerts (id, rule, rule_version, subject, name, state, reason, priority, labels, summary, value, started_at,
                    fired_at, resolved_at, observed_at, acknowledged_at, acknowledged_by)
SELECT format('alert-%s-%s', sensor_id, days), 'congestion', 1, sensor, name,
       CASE WHEN days = 0 THEN 'firing' ELSE 'resolved' END, 'value',
       (ARRAY['critical', 'high', 'medium'])[sensor_id % 3 + 1],
       jsonb_build_object('sensor', sensor, 'area', area), name || ' is slow', speed_kmh,
       started_at, started_at + interval '5 minutes', CASE WHEN days > 0 THEN started_at + interval '50 minutes' END,
       now(), CASE WHEN sensor_id % 2 = 0 THEN started_at + interval '12 minutes' END,
       CASE WHEN sensor_id % 2 = 0 THEN 'operator' END
FROM (SELECT *, row_number() OVER (ORDER BY speed_ratio) AS place FROM current_conditions) AS sensors
CROSS JOIN generate_series(0, 6) AS days
CROSS JOIN LATERAL (SELECT now() - days * interval '1 day' - interval '20 minutes' AS started_at) AS began
WHERE place <= 8 OR days = 1 + sensor_id % 6;

INSERT INTO alert_events (alert_id, time, kind, actor)
SELECT id, time, kind, actor FROM alerts
CROSS JOIN LATERAL (VALUES ('pending', started_at, 'alerting'), ('firing', fired_at, 'alerting'),
                           ('acknowledged', acknowledged_at, 'operator'),
                           ('notified', fired_at + interval '20 seconds', 'alerting'),
                           ('resolved', resolved_at, 'alerting')) AS happened (kind, time, actor)
WHERE time IS NOT NULL;
