-- Notes what came of a batch.
UPDATE notifications
SET state = done.state,
    attempts = done.attempts,
    next_at = CASE WHEN done.wait_s IS NULL THEN next_at ELSE now() + make_interval(secs => done.wait_s) END,
    finished_at = CASE WHEN done.state = 'waiting' THEN NULL ELSE done.finished_at END,
    error = done.error,
    reference = CAST(done.reference AS jsonb),
    taken_by = NULL
FROM unnest(
    CAST(:ids AS text[]), CAST(:states AS text[]), CAST(:attempts AS integer[]), CAST(:waits AS double precision[]),
    CAST(:times AS timestamptz[]), CAST(:errors AS text[]), CAST(:references AS text[])
) AS done(id, state, attempts, wait_s, finished_at, error, reference)
WHERE notifications.id = done.id AND notifications.state = 'waiting'
