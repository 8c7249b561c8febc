SELECT name, area, corridor, sensor, last_seen AS "last seen", reporting_share AS reporting, good_share AS good,
       implausible, stuck, stuck_hours AS "stuck hours",
       CASE WHEN readings = 0 THEN 'silent for a day' WHEN stuck_hours > 0 THEN 'stuck at one value'
            WHEN reporting_share <= 0.9 THEN 'reports too seldom' ELSE 'too many flagged readings' END AS reason,
       sensor_id
FROM sensor_health
WHERE healthy IS NOT TRUE AND coalesce(area, '') IN (${area:sqlstring})
ORDER BY reporting_share * good_share NULLS FIRST, stuck_hours DESC
LIMIT 50
