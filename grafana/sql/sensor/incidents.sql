SELECT started_at AS time, coalesce(cleared_at, now()) AS "timeEnd", concat_ws(', ', replace(kind, '_', ' '), severity) AS title,
       description AS text, 'incident' AS tags
FROM incidents
WHERE started_at < $__timeTo() AND coalesce(cleared_at, now()) > $__timeFrom()
  AND started_at > $__timeFrom()::timestamptz - interval '1 day'
  AND sensors @> ARRAY[(SELECT external_id FROM sensors WHERE id = ${sensor:sqlstring})]
ORDER BY time
LIMIT 500
