-- What is normal: for each kind of day and local quarter of an hour, the median and the 10th and 90th percentile of a
-- subject's mean speeds in the weeks before its newest. A subject is a sensor or an area. Public holidays count as
-- Sundays, as they do in `profiles`.
SELECT subject,
       CASE WHEN extract(isodow FROM local_time) = 7 OR local_time::date = ANY(:holidays) THEN 'sunday'
            WHEN extract(isodow FROM local_time) = 6 THEN 'saturday'
            ELSE 'weekday' END AS day_type,
       (extract(hour FROM local_time) * 60 + extract(minute FROM local_time))::integer AS minute,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY speed_kmh)::real AS speed_kmh,
       percentile_cont(0.1) WITHIN GROUP (ORDER BY speed_kmh)::real AS lower_kmh,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY speed_kmh)::real AS upper_kmh,
       count(*) AS days
FROM unnest(:subjects, :newest) AS wanted (subject, newest)
CROSS JOIN LATERAL ( -- looked up by the index for each subject; the outer bounds let whole chunks be left out
    SELECT date_bin('15 minutes', time AT TIME ZONE :zone, timestamp '2000-01-01') AS local_time,
           sum(speed_kmh_sum) / sum(speed_kmh_count) AS speed_kmh
    FROM {relation}
    WHERE {key} = subject AND time >= newest - :span AND time < newest AND time >= :start AND time < :end
          AND speed_kmh_count > 0
    GROUP BY 1
) AS quarters
GROUP BY 1, 2, 3
