SELECT bottlenecks.corridor
FROM bottlenecks
JOIN current_conditions USING (sensor_id)
WHERE age < interval '10 minutes' AND started_at > now() - interval '6 days'
GROUP BY bottlenecks.corridor
ORDER BY count(*) DESC
LIMIT 1
