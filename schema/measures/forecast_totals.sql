-- The hour's scores of all sensors together.
INSERT INTO measures.forecast_totals (
    hour, day, model, horizon_minutes, predictions, abs_error, sq_error, relative, relative_error,
    persistence, persistence_error, paired_error, profile, profile_error, intervals, inside, width
)
SELECT hour, day, model, horizon_minutes, sum(predictions), sum(abs_error), sum(sq_error), sum(relative),
       sum(relative_error), sum(persistence), sum(persistence_error), sum(paired_error), sum(profile),
       sum(profile_error), sum(intervals), sum(inside), sum(width)
FROM measures.forecast_scores WHERE hour = %(hour)s GROUP BY hour, day, model, horizon_minutes
