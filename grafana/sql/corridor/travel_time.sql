-- Of all 5 minutes, or of the first of each hour where more than eight days are shown.
SELECT date_bin('$__interval', time, timestamptz 'epoch') AS time, avg(travel_time_s) AS measured
FROM corridor_travel_times
WHERE $__timeFilter(time) AND corridor = ${road:sqlstring}
  AND ($__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '8 days' OR extract(minute FROM time) = 0)
GROUP BY 1
ORDER BY 1
