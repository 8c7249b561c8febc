SELECT name, area, corridor, model, predictions, mae_kmh AS "MAE", persistence_mae_kmh AS "last speed",
       profile_mae_kmh AS normal, skill, coverage, sensor_id
FROM forecast_skill_by_sensor
WHERE horizon_minutes = ${horizon:sqlstring}
ORDER BY mae_kmh DESC
LIMIT 50
