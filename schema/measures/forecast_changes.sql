-- The hours whose predictions were written since they were last looked for. A prediction for `time` is of the 5 minutes
-- that end then, so it belongs to the hour in which those begin (`note_forecasts`, migration 0010).
WITH noted AS (
    DELETE FROM measures.forecast_changes RETURNING hour
)
INSERT INTO measures.forecast_hours (hour, changed)
SELECT DISTINCT hour, true FROM noted
ON CONFLICT (hour) DO UPDATE SET changed = true
