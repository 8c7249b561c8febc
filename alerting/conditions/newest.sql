-- The newest good reading of each sensor, packed as numpy reads it: a thousand rows cost no more than one.
SELECT string_agg(int4send(sensor_id) || float8send(extract(epoch FROM CAST(:now AS timestamptz) - time)::float8)
                  || float8send(coalesce(speed_kmh, 'NaN')::float8) || float8send(coalesce(volume_vph, 'NaN')::float8)
                  || float8send(coalesce(occupancy, 'NaN')::float8)
                  || float8send(coalesce(travel_time_s, 'NaN')::float8), '') AS packed
FROM latest_readings
