WITH zone AS (
    SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC') AS time_zone
), hours AS (
    SELECT time, (24 * extract(isodow FROM local) - 23 + extract(hour FROM local))::integer AS place
    FROM zone
    CROSS JOIN generate_series(date_trunc('hour', $__timeFrom()::timestamptz), $__timeTo(), interval '1 hour') AS time
    CROSS JOIN LATERAL (SELECT time AT TIME ZONE time_zone AS local) AS there
)
SELECT time, format('%s %s', cluster, name) AS metric, profile[place] AS share
FROM hours
CROSS JOIN cluster_shapes
ORDER BY time, cluster
