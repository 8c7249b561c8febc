SELECT count(*) AS incidents
FROM incidents
WHERE status <> 'cleared' AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
