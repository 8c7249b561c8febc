-- The planning time index of each corridor's links by period of the day, mean by the number of observations.
SELECT corridor AS subject, period,
       sum(planning_time_index * buckets) / sum(buckets) AS planning_time_index
FROM reliability_daily
WHERE day BETWEEN {first} AND {last} AND corridor IS NOT NULL AND period <> 'overnight'
GROUP BY corridor, period
