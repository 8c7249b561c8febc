SELECT extract(epoch FROM now() - max(made_at))::float8 AS age_s
FROM predictions
WHERE time > now() - interval '1 day'
HAVING count(*) > 0
