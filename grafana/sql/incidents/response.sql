WITH shown AS (
    SELECT id, started_at, cleared_at
    FROM incidents
    WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
), told AS (
    SELECT incident_id, min(time) AS told_at FROM incident_updates WHERE time >= $__timeFrom() GROUP BY incident_id
), alerted AS (
    SELECT subject, min(fired_at) AS fired_at, min(acknowledged_at) AS acknowledged_at
    FROM alerts
    WHERE fired_at >= $__timeFrom() AND subject IN (SELECT id FROM shown)
    GROUP BY subject
), reached AS (
    SELECT place, stage, extract(epoch FROM reached_at - started_at)::float8 AS seconds
    FROM shown
    LEFT JOIN told ON incident_id = id
    LEFT JOIN alerted ON subject = id
    CROSS JOIN LATERAL (
        VALUES (1, 'told by its source', told_at), (2, 'alert fired', fired_at),
               (3, 'taken on by somebody', acknowledged_at), (4, 'cleared', cleared_at)
    ) AS stages (place, stage, reached_at)
)
SELECT stage, count(seconds) AS incidents,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS "nine in ten",
       CASE WHEN stage <> 'cleared' THEN avg((seconds <= 300)::integer)::float8 END AS "within 5 minutes"
FROM reached
GROUP BY place, stage
ORDER BY place
