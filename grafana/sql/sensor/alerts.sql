SELECT rule, priority, state, summary, value, fired_at AS fired, resolved_at AS over, acknowledged_by AS "taken on by"
FROM alerts
WHERE subject = (SELECT external_id FROM sensors WHERE id = ${sensor:sqlstring})
  AND fired_at < $__timeTo() AND coalesce(resolved_at, now()) > $__timeFrom()
ORDER BY fired_at DESC
LIMIT 50
