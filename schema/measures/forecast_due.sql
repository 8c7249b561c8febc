-- The hours that are to be scored: those with other predictions or readings than they were scored from, and those that
-- were not over then. A late reading also changes what was known when the predictions of the next hour were made, and
-- of the one after it where it is among the last of its own.
WITH measured AS MATERIALIZED (
    SELECT time, sum(readings) AS readings, sum(good) AS good
    FROM area_1h WHERE time >= %(oldest)s - interval '2 hours' GROUP BY time
)
SELECT hour, found.readings, found.good
FROM measures.forecast_hours AS known
CROSS JOIN LATERAL (
    SELECT coalesce(sum(readings), 0)::bigint AS readings, coalesce(sum(good), 0)::bigint AS good
    FROM measured WHERE time BETWEEN hour - interval '2 hours' AND hour
) AS found
WHERE hour >= %(oldest)s AND hour < now()
  AND (scored_at IS NULL OR scored_at < now() - %(again_after)s::interval)
  AND (changed OR (found.readings, found.good) IS DISTINCT FROM (known.readings, known.good)
       OR scored_at < hour + interval '1 hour')
ORDER BY hour
