SELECT sum(vehicle_hours_of_delay) AS vehicle_hours
FROM incident_impact
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
