WITH links AS (
    SELECT corridor, sensor_id, sum(vehicle_hours_of_delay) AS vehicle_hours, sum(vehicle_km) AS vehicle_km,
           sum(delay_s_per_vehicle * buckets) / sum(buckets) AS delay_s
    FROM delay_daily
    WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring}) AND corridor IS NOT NULL
    GROUP BY corridor, sensor_id
)
SELECT corridor, sum(vehicle_hours) AS "vehicle hours",
       sum(vehicle_hours) * (${occupancy:sqlstring})::float8 * (${value_of_time:sqlstring})::float8 AS cost,
       sum(vehicle_hours) * 3600 / nullif(sum(vehicle_km), 0) AS "lost per km", sum(delay_s) AS "delay of a vehicle"
FROM links
GROUP BY corridor
ORDER BY 2 DESC NULLS LAST, 5 DESC NULLS LAST
LIMIT 10
