CREATE OR REPLACE VIEW forecast_skill AS
SELECT day, model, horizon_minutes, sum(predictions)::bigint AS predictions,
       sum(abs_error) / nullif(sum(predictions), 0)::double precision AS mae_kmh,
       sqrt(sum(sq_error) / nullif(sum(predictions), 0)::double precision) AS rmse_kmh,
       100 * sum(relative_error) / nullif(sum(relative), 0)::double precision AS mape_percent,
       sum(persistence_error) / nullif(sum(persistence), 0)::double precision AS persistence_mae_kmh,
       sum(profile_error) / nullif(sum(profile), 0)::double precision AS profile_mae_kmh,
       1 - sum(paired_error) / nullif(sum(persistence_error), 0) AS skill,
       sum(inside)::double precision / nullif(sum(intervals), 0)::double precision AS coverage,
       sum(width) / nullif(sum(intervals), 0)::double precision AS width_kmh
FROM measures.forecast_totals
GROUP BY day, model, horizon_minutes;

COMMENT ON VIEW forecast_skill IS 'How well forecasts came true by day, model and horizon, against the last speed and against the normal one';
COMMENT ON COLUMN forecast_skill.day IS 'the city''s day in which the hour began that was predicted';
COMMENT ON COLUMN forecast_skill.model IS 'what made the predictions, as predictions.model';
COMMENT ON COLUMN forecast_skill.horizon_minutes IS 'minutes ahead';
COMMENT ON COLUMN forecast_skill.predictions IS 'that have come due and were measured, by all sensors';
COMMENT ON COLUMN forecast_skill.mae_kmh IS 'mean absolute error, km/h, against the mean of the 5 minutes that end at the predicted time';
COMMENT ON COLUMN forecast_skill.rmse_kmh IS 'root mean squared error, km/h';
COMMENT ON COLUMN forecast_skill.mape_percent IS 'mean absolute error over the measured speed, of those not standing still';
COMMENT ON COLUMN forecast_skill.persistence_mae_kmh IS 'mean absolute error of the newest full 5 minutes known when it was predicted: what a forecast has to beat';
COMMENT ON COLUMN forecast_skill.profile_mae_kmh IS 'mean absolute error of the normal speed, as in profiles when it was scored';
COMMENT ON COLUMN forecast_skill.skill IS '1 - error / persistence''s error, over the predictions that have both: above 0 is better than persistence';
COMMENT ON COLUMN forecast_skill.coverage IS 'share of measured speeds inside the interval, of those that have one; 0.9 is meant';
COMMENT ON COLUMN forecast_skill.width_kmh IS 'mean width of the interval, km/h';
