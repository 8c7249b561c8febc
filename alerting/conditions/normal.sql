-- What is normal of each sensor at the quarters of an hour that are asked for, packed as numpy reads it.
SELECT day_type, minute,
       string_agg(int4send(sensors.id) || float8send(speed_kmh::float8)
                  || float8send(coalesce(volume_vph, 'NaN')::float8), '') AS packed
FROM profiles
JOIN sensors ON external_id = subject
WHERE subject_kind = 'sensor' AND day_type = ANY(:day_types) AND minute = ANY(:minutes)
GROUP BY day_type, minute
