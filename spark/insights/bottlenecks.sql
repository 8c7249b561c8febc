-- A day of each bottleneck.
SELECT day, sensor, coalesce(name, sensor) AS name, corridor, sum(vehicle_hours_of_delay) AS vehicle_hours,
       sum(active_minutes) AS active_minutes, max(max_extent_m) AS max_extent_m,
       sum(good_share * active_minutes) AS good_minutes
FROM bottlenecks
WHERE day BETWEEN {first} AND {last}
GROUP BY day, sensor, name, corridor
