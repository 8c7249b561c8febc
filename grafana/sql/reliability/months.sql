WITH newest AS (
    SELECT month::date AS this, (month - interval '1 month')::date AS before
    FROM (SELECT date_trunc('month', day::timestamp) AS month FROM delay_daily ORDER BY day DESC LIMIT 1) AS last_day
), indexes AS (
    SELECT day >= (SELECT this FROM newest) AS newer,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY travel_time_index) AS travel_time_index,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY planning_time_index) AS planning_time_index,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY buffer_index) AS buffer_index
    FROM reliability_daily
    WHERE day >= (SELECT before FROM newest)
      AND coalesce(area, '') IN (${area:sqlstring}) AND period IN (${period:sqlstring})
    GROUP BY 1
), lost AS (
    SELECT day >= (SELECT this FROM newest) AS newer, sum(vehicle_hours_of_delay) / count(DISTINCT day) AS vehicle_hours
    FROM delay_daily
    WHERE day >= (SELECT before FROM newest) AND coalesce(area, '') IN (${area:sqlstring})
    GROUP BY 1
), measured AS (
    SELECT newer, place, measure, value
    FROM indexes
    FULL JOIN lost USING (newer)
    CROSS JOIN LATERAL (
        VALUES (1, 'Travel time index', travel_time_index),
               (2, 'Planning time index', planning_time_index),
               (3, 'Buffer index', buffer_index),
               (4, 'Delay a day, vehicle hours', vehicle_hours),
               (5, 'Cost of delay a day',
                vehicle_hours * (${occupancy:sqlstring})::float8 * (${value_of_time:sqlstring})::float8)
    ) AS measures (place, measure, value)
), compared AS (
    SELECT place, measure, max(value) FILTER (WHERE newer) AS this, max(value) FILTER (WHERE NOT newer) AS before
    FROM measured
    GROUP BY place, measure
)
SELECT measure, before AS "month before", this AS "this month", this / nullif(before, 0) - 1 AS change
FROM compared
ORDER BY place
