SELECT count(*) AS open FROM incidents WHERE cleared_at IS NULL
