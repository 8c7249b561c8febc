SELECT name AS model, replace(state, '_', ' ') AS state, trained_at AS trained, data_from AS "data from", data_to AS "data to",
       (SELECT avg((score -> 'mae_kmh')::double precision) FROM jsonb_array_elements(metrics -> 'held_out') AS score)
           AS "held-out error",
       promoted_at AS "put in place", evidence -> 'against' ->> 'name' AS "instead of"
FROM forecast_models
ORDER BY state = 'in_place' DESC, trained_at DESC
LIMIT 50
