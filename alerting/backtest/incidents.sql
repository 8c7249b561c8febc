-- Incidents that were open at some time of the span, with every state they had, the oldest first.
SELECT id, kind, incidents.severity, sensors, area, road, started_at, cleared_at,
       coalesce(array_agg(updates.time ORDER BY updates.time, updates.status = 'cleared') FILTER (WHERE updates.time IS NOT NULL), '{}') AS times,
       coalesce(array_agg(updates.severity ORDER BY updates.time, updates.status = 'cleared') FILTER (WHERE updates.time IS NOT NULL), '{}') AS severities
FROM incidents
LEFT JOIN incident_updates AS updates ON incident_id = id
WHERE started_at < CAST(:until AS timestamptz) AND (cleared_at IS NULL OR cleared_at >= CAST(:start AS timestamptz))
GROUP BY id
ORDER BY started_at, id
