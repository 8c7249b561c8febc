WITH newest AS (
    SELECT today, month::date AS this, (month - interval '1 month')::date AS before
    FROM (SELECT day AS today FROM delay_daily ORDER BY day DESC LIMIT 1) AS last_day
    CROSS JOIN LATERAL (SELECT date_trunc('month', (today - 1)::timestamp) AS month) AS of_yesterday
), indexes AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) FILTER (WHERE day < this) AS tti_before,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) FILTER (WHERE day >= this) AS tti,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) FILTER (WHERE day < this) AS pti_before,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) FILTER (WHERE day >= this) AS pti,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY buffer_index) FILTER (WHERE day < this) AS buffer_before,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY buffer_index) FILTER (WHERE day >= this) AS buffer
    FROM newest
    JOIN reliability_daily ON day >= before AND day < today
    WHERE coalesce(area, '') IN (${area:sqlstring}) AND period IN (${period:sqlstring})
), lost AS (
    SELECT sum(vehicle_hours_of_delay) FILTER (WHERE day < this)
               / nullif(count(DISTINCT day) FILTER (WHERE day < this), 0) AS hours_before,
           sum(vehicle_hours_of_delay) FILTER (WHERE day >= this)
               / nullif(count(DISTINCT day) FILTER (WHERE day >= this), 0) AS hours
    FROM newest
    JOIN delay_daily ON day >= before AND day < today
    WHERE coalesce(area, '') IN (${area:sqlstring})
)
SELECT measure, measures.before AS "month before", measures.this AS "this month",
       measures.this / nullif(measures.before, 0) - 1 AS change
FROM indexes
CROSS JOIN lost
CROSS JOIN (SELECT (${occupancy:sqlstring})::float8 * (${value_of_time:sqlstring})::float8 AS of_hour) AS cost
CROSS JOIN LATERAL (
    VALUES (1, 'Travel time index', tti_before, tti),
           (2, 'Planning time index', pti_before, pti),
           (3, 'Buffer index', buffer_before, buffer),
           (4, 'Delay a day, vehicle hours', hours_before, hours),
           (5, 'Cost of delay a day', hours_before * of_hour, hours * of_hour)
) AS measures (place, measure, before, this)
ORDER BY place
