-- The sum over the corridor's links, by kind of day and quarter of an hour, laid over the time shown.
WITH place AS (
    SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC') AS time_zone,
           (SELECT length_m FROM corridor_travel_times
            WHERE corridor = ${road:sqlstring} AND time BETWEEN $__timeTo()::timestamptz - interval '1 day' AND $__timeTo()
            LIMIT 1) AS length_m
), quarters AS (
    SELECT day_type, minute,
           3.6 * sum(weight / greatest(speed_kmh, 1.6)) / sum(weight) AS pace,
           3.6 * sum(weight / greatest(upper_kmh, 1.6)) / sum(weight) AS least_pace,
           3.6 * sum(weight / greatest(lower_kmh, 1.6)) / sum(weight) AS greatest_pace
    FROM profiles
    JOIN sensors ON external_id = subject
    CROSS JOIN LATERAL (SELECT coalesce(length_m, 1000) AS weight) AS link
    WHERE subject_kind = 'sensor' AND road || coalesce(' ' || direction, '') = ${road:sqlstring}
      AND lat IS NOT NULL AND lon IS NOT NULL
    GROUP BY day_type, minute
), slots AS (
    SELECT time, length_m, 60 * extract(hour FROM local) + floor(extract(minute FROM local) / 15) * 15 AS minute, day_type
    FROM place
    CROSS JOIN generate_series(
        date_bin('15 minutes', $__timeFrom()::timestamptz, timestamptz 'epoch'), $__timeTo()::timestamptz,
        greatest(interval '15 minutes', interval '$__interval')
    ) AS time
    CROSS JOIN LATERAL (SELECT time AT TIME ZONE time_zone AS local) AS there
    JOIN calendar ON day = local::date
)
SELECT time, length_m * pace AS normal, length_m * least_pace AS "normal, least", length_m * greatest_pace AS "normal, most"
FROM slots
JOIN quarters USING (day_type, minute)
ORDER BY time
