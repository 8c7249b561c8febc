-- What the day was computed from.
INSERT INTO measures.days (day, readings, computed_at, definition_id)
SELECT %(day)s, coalesce(sum(readings), 0), now(), %(definition_id)s
FROM area_1h WHERE time > %(start)s - interval '1 hour' AND time < %(end)s
ON CONFLICT (day) DO UPDATE SET
    readings = excluded.readings, computed_at = excluded.computed_at, definition_id = excluded.definition_id
