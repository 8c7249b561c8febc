WITH zone AS (
    SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC') AS time_zone
), slots AS (
    SELECT time, 60 * extract(hour FROM local) + extract(minute FROM local) AS minute
    FROM zone
    CROSS JOIN generate_series(
        date_bin('15 minutes', $__timeFrom()::timestamptz, timestamptz 'epoch'), $__timeTo(), interval '15 minutes'
    ) AS time
    CROSS JOIN LATERAL (SELECT time AT TIME ZONE time_zone AS local) AS there
)
SELECT time, day_type AS metric, speed_kmh AS speed
FROM slots
JOIN profiles ON profiles.minute = slots.minute
WHERE subject_kind = ${subject_kind:sqlstring} AND subject = ${subject:sqlstring}
ORDER BY time, day_type
