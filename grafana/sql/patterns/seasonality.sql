SELECT coalesce(sensors.name, subject) AS name, subject,
       (SELECT string_agg(format('%s-%s', to_char(make_interval(mins => from_minute), 'HH24:MI'),
                                 to_char(make_interval(mins => to_minute), 'HH24:MI')), ', ' ORDER BY from_minute)
        FROM jsonb_to_recordset(rush_hours) AS rush (day_type text, from_minute integer, to_minute integer)
        WHERE day_type = 'weekday') AS "rush hours of weekdays",
       (SELECT max(depth) FROM jsonb_to_recordset(rush_hours) AS rush (day_type text, depth float8)) AS "lost at the worst",
       daily_strength AS "by the time of day", weekly_strength AS "by the day of the week"
FROM seasonality
LEFT JOIN sensors ON subject_kind = 'sensor' AND external_id = subject
WHERE subject_kind = ${subject_kind:sqlstring}
  AND (subject_kind <> 'sensor' OR coalesce(sensors.area, '') IN (${area:sqlstring}))
ORDER BY "lost at the worst" DESC NULLS LAST, subject
LIMIT 100
