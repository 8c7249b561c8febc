SELECT travel_time_s AS "travel time"
FROM corridor_travel_times
WHERE time > now() - interval '30 minutes' AND corridor = ${road:sqlstring}
ORDER BY time DESC
LIMIT 1
