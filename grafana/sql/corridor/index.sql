SELECT date_bin('$__interval', time, timestamptz 'epoch') AS time, avg(travel_time_index) AS index
FROM corridor_travel_times
WHERE $__timeFilter(time) AND corridor = ${road:sqlstring}
GROUP BY 1
ORDER BY 1
