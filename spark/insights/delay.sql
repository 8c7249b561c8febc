-- A day of each corridor; a sensor on none stands for itself.
SELECT day, coalesce(corridor, name || ' (' || sensor || ')', sensor) AS subject, count(*) AS links,
       sum(vehicle_hours_of_delay) AS vehicle_hours, sum(vehicle_km) AS vehicle_km,
       sum(delay_s_per_vehicle) AS seconds, sum(buckets) AS buckets, sum(good_share * buckets) AS good_buckets
FROM delay_daily
WHERE day BETWEEN {first} AND {last}
GROUP BY day, subject
