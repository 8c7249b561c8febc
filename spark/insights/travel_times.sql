-- Travel time and planning time index of each corridor from 6 to 20 h, the hours of 23 CFR 490.511. Formulas: FHWA,
-- "Travel Time Reliability: Making It There On Time, All The Time" (2006).
SELECT corridor AS subject, avg(travel_time_index) AS travel_time_index,
       percentile_cont({percentile}) WITHIN GROUP (ORDER BY travel_time_index) AS planning_time_index,
       count(*) AS buckets, avg(good_share) AS good_share, max(length_m) AS length_m
FROM corridor_travel_times
WHERE time >= {start} AND time < {end} AND travel_time_index IS NOT NULL
  AND extract(hour FROM time AT TIME ZONE {time_zone}) BETWEEN 6 AND 19
GROUP BY corridor
