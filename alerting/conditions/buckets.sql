-- The means of each sensor by bucket, packed as numpy reads them.
SELECT extract(epoch FROM time)::bigint AS epoch,
       string_agg(int4send(sensor_id) || float8send(coalesce(speed_kmh, 'NaN'))
                  || float8send(coalesce(volume_vph, 'NaN')) || float8send(coalesce(occupancy, 'NaN'))
                  || float8send(coalesce(travel_time_s, 'NaN')), '') AS packed
FROM RELATION
WHERE time >= :start AND time < :until AND good > 0
GROUP BY time
