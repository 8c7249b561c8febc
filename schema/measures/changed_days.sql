-- The days whose readings or incidents are not those they were computed from. An hour belongs to both days where
-- midnight is not on the full hour; a changed day changes what incidents that reach into it cost.
WITH changed AS (
    SELECT day FROM (
        SELECT day, sum(readings) AS readings
        FROM area_1h CROSS JOIN LATERAL (
            SELECT (time AT TIME ZONE %(time_zone)s)::date AS day
            UNION SELECT ((time + interval '59 minutes') AT TIME ZONE %(time_zone)s)::date
        ) AS touched
        WHERE time >= %(oldest)s GROUP BY day
    ) AS found LEFT JOIN measures.days AS known USING (day)
    WHERE known.day IS NULL
       OR known.computed_at < now() - %(recompute_after)s::interval AND (
              known.readings <> found.readings
              OR EXISTS (
                  SELECT FROM incidents WHERE (started_at AT TIME ZONE %(time_zone)s)::date = day
                  AND greatest(placed_at, least(coalesce(cleared_at, time) + interval '30 minutes', now()))
                    > known.computed_at))
)
SELECT day FROM changed
UNION
SELECT (started_at AT TIME ZONE %(time_zone)s)::date FROM incidents JOIN changed
    ON started_at < (day + 1)::timestamp AT TIME ZONE %(time_zone)s
   AND coalesce(cleared_at + interval '30 minutes', time + interval '1 day')
     > day::timestamp AT TIME ZONE %(time_zone)s
WHERE started_at >= %(oldest)s
ORDER BY day
