-- How far the predictions of an hour were from what was then measured, by sensor, model and horizon; of those for a time
-- at which 5 minutes end.
-- Measured is the mean of the 5 minutes that end at the prediction's time. Persistence is the mean of the newest full 5
-- minutes that had ended when it was made: nothing changes. The profile is the normal speed of that kind of day and
-- quarter of an hour. What was not measured is not scored.
WITH due AS MATERIALIZED (
    SELECT sensor_id, model, speed_kmh::double precision, lower_kmh::double precision, upper_kmh::double precision,
           time - interval '5 minutes' AS bucket,
           date_bin('5 minutes', made_at, timestamptz 'epoch') - interval '5 minutes' AS last_bucket,
           round(extract(epoch FROM time - made_at) / 60)::integer AS horizon_minutes
    FROM predictions
    WHERE time >= %(hour)s::timestamptz + interval '5 minutes' AND time < %(hour)s::timestamptz + interval '65 minutes'
      AND time <= now() AND time > made_at AND time = date_bin('5 minutes', time, timestamptz 'epoch')
), speeds AS MATERIALIZED (
    SELECT sensor_id, time, speed_kmh FROM readings_5m
    WHERE time >= (SELECT min(last_bucket) FROM due) AND time < %(hour)s::timestamptz + interval '1 hour'
      AND speed_kmh IS NOT NULL
), buckets AS MATERIALIZED (
    SELECT bucket,
           CASE WHEN extract(isodow FROM local) = 7 OR local::date = ANY(%(holidays)s::date[]) THEN 'sunday'
                WHEN extract(isodow FROM local) = 6 THEN 'saturday'
                ELSE 'weekday' END AS day_type,
           (extract(hour FROM local) * 60 + floor(extract(minute FROM local) / 15) * 15)::smallint AS minute
    FROM generate_series(%(hour)s::timestamptz, %(hour)s::timestamptz + interval '55 minutes', '5 minutes') AS bucket
    CROSS JOIN LATERAL (SELECT bucket AT TIME ZONE %(time_zone)s AS local) AS there
), scored AS (
    SELECT due.sensor_id, model, horizon_minutes, measured.speed_kmh AS measured,
           abs(due.speed_kmh - measured.speed_kmh) AS error,
           abs(known.speed_kmh - measured.speed_kmh) AS persistence_error,
           abs(profiles.speed_kmh - measured.speed_kmh) AS profile_error,
           upper_kmh - lower_kmh AS width,
           measured.speed_kmh BETWEEN lower_kmh AND upper_kmh AS inside
    FROM due
    JOIN speeds AS measured ON measured.sensor_id = due.sensor_id AND measured.time = bucket
    LEFT JOIN speeds AS known ON known.sensor_id = due.sensor_id AND known.time = last_bucket
    JOIN buckets USING (bucket)
    JOIN sensors ON sensors.id = due.sensor_id
    LEFT JOIN (SELECT subject, day_type, minute, speed_kmh::double precision FROM profiles WHERE subject_kind = 'sensor')
        AS profiles ON subject = external_id AND profiles.day_type = buckets.day_type AND profiles.minute = buckets.minute
)
INSERT INTO measures.forecast_scores (
    hour, day, sensor_id, model, horizon_minutes, predictions, abs_error, sq_error, relative, relative_error,
    persistence, persistence_error, paired_error, profile, profile_error, intervals, inside, width
)
SELECT %(hour)s, (%(hour)s::timestamptz AT TIME ZONE %(time_zone)s)::date, sensor_id, model, horizon_minutes,
       count(*), sum(error), sum(error * error),
       count(*) FILTER (WHERE measured > 0), coalesce(sum(error / nullif(measured, 0)), 0),
       count(persistence_error), coalesce(sum(persistence_error), 0),
       coalesce(sum(error) FILTER (WHERE persistence_error IS NOT NULL), 0),
       count(profile_error), coalesce(sum(profile_error), 0),
       count(width), count(*) FILTER (WHERE inside), coalesce(sum(width), 0)
FROM scored GROUP BY sensor_id, model, horizon_minutes
