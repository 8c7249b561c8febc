WITH slots AS (
    SELECT time, 60 * extract(hour FROM local) + floor(extract(minute FROM local) / 15) * 15 AS minute, day_type
    FROM generate_series(
        date_bin('15 minutes', $__timeFrom()::timestamptz, timestamptz 'epoch'), $__timeTo()::timestamptz,
        greatest(interval '15 minutes', interval '$__interval')
    ) AS time
    CROSS JOIN (SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC') AS time_zone) AS city
    CROSS JOIN LATERAL (SELECT time AT TIME ZONE time_zone AS local) AS there
    JOIN calendar ON day = local::date
)
SELECT time, speed_kmh AS normal, lower_kmh AS "normal, least", upper_kmh AS "normal, most"
FROM slots
JOIN profiles USING (day_type, minute)
WHERE subject_kind = 'sensor' AND subject = (SELECT external_id FROM sensors WHERE id = ${sensor:sqlstring})
ORDER BY time
