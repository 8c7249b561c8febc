-- The id of the definition, which is written down where it is new.
WITH new AS (
    INSERT INTO measures.definitions (algorithm_version, time_zone, planning_percentile, delay_speed_ratio,
                                      bottleneck_speed_kmh, bottleneck_drop_kmh)
    VALUES (%(algorithm_version)s, %(time_zone)s, %(planning_percentile)s, %(delay_speed_ratio)s,
            %(bottleneck_speed_kmh)s, %(bottleneck_drop_kmh)s)
    ON CONFLICT ON CONSTRAINT definitions_key DO NOTHING RETURNING id
)
SELECT id FROM new
UNION ALL
SELECT id FROM measures.definitions
WHERE (algorithm_version, time_zone, planning_percentile, delay_speed_ratio, bottleneck_speed_kmh,
       bottleneck_drop_kmh)
    = (%(algorithm_version)s, %(time_zone)s, %(planning_percentile)s, %(delay_speed_ratio)s,
       %(bottleneck_speed_kmh)s, %(bottleneck_drop_kmh)s)
