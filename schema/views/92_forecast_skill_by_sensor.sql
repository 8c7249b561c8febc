CREATE OR REPLACE VIEW forecast_skill_by_sensor AS
SELECT sensor_id, name, area, corridor, model, horizon_minutes, predictions, mae_kmh, persistence_mae_kmh, profile_mae_kmh,
       skill, coverage
FROM (
    SELECT sensor_id, model, horizon_minutes, sum(predictions)::bigint AS predictions,
           sum(abs_error) / nullif(sum(predictions), 0)::double precision AS mae_kmh,
           sum(persistence_error) / nullif(sum(persistence), 0)::double precision AS persistence_mae_kmh,
           sum(profile_error) / nullif(sum(profile), 0)::double precision AS profile_mae_kmh,
           1 - sum(paired_error) / nullif(sum(persistence_error), 0) AS skill,
           sum(inside)::double precision / nullif(sum(intervals), 0)::double precision AS coverage
    FROM measures.forecast_scores
    WHERE hour > (SELECT max(hour) FROM measures.forecast_scores) - interval '24 hours'
    GROUP BY sensor_id, model, horizon_minutes
) AS scores
JOIN sensors ON id = sensor_id
LEFT JOIN measures.links USING (sensor_id);

COMMENT ON VIEW forecast_skill_by_sensor IS 'How well each sensor''s forecasts came true over the last 24 hours that were scored, by model and horizon';
COMMENT ON COLUMN forecast_skill_by_sensor.sensor_id IS 'sensors.id';
COMMENT ON COLUMN forecast_skill_by_sensor.name IS 'sensors.name';
COMMENT ON COLUMN forecast_skill_by_sensor.area IS 'sensors.area';
COMMENT ON COLUMN forecast_skill_by_sensor.corridor IS 'road and direction';
COMMENT ON COLUMN forecast_skill_by_sensor.model IS 'what made the predictions, as predictions.model';
COMMENT ON COLUMN forecast_skill_by_sensor.horizon_minutes IS 'minutes ahead';
COMMENT ON COLUMN forecast_skill_by_sensor.predictions IS 'that have come due and were measured';
COMMENT ON COLUMN forecast_skill_by_sensor.mae_kmh IS 'mean absolute error, km/h, as in forecast_skill';
COMMENT ON COLUMN forecast_skill_by_sensor.persistence_mae_kmh IS 'mean absolute error of the last speed known, as in forecast_skill';
COMMENT ON COLUMN forecast_skill_by_sensor.profile_mae_kmh IS 'mean absolute error of the normal speed, as in forecast_skill';
COMMENT ON COLUMN forecast_skill_by_sensor.skill IS 'of the error against persistence''s, as in forecast_skill';
COMMENT ON COLUMN forecast_skill_by_sensor.coverage IS 'share of measured speeds inside the interval, as in forecast_skill';
