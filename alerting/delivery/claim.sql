-- Takes what is due: the most urgent first, of each receiver and of each channel no more than it has room for. It is
-- due again after the lease, should nobody note what came of it.
WITH due AS (
    SELECT id, kind, destination, next_at,
           array_position(ARRAY['critical', 'high', 'medium', 'low'], priority) AS urgency
    FROM notifications
    WHERE state = 'waiting' AND next_at <= now()
      AND kind = ANY(CAST(:kinds AS text[]))
      AND id <> ALL(CAST(:in_hand AS text[]))
      AND (kind || ':' || CASE WHEN kind = ANY(CAST(:shared AS text[])) THEN '' ELSE destination END)
          <> ALL(CAST(:full AS text[]))
    ORDER BY next_at
    LIMIT 20000
), ranked AS (
    SELECT id, kind, urgency, next_at,
           row_number() OVER (PARTITION BY kind, destination ORDER BY urgency, next_at, id) AS of_destination,
           row_number() OVER (PARTITION BY kind ORDER BY urgency, next_at, id) AS of_kind
    FROM due
), chosen AS (
    SELECT notifications.id
    FROM notifications
    JOIN ranked USING (id)
    JOIN unnest(CAST(:kinds AS text[]), CAST(:allowed AS integer[])) AS channels(kind, allowed)
      ON channels.kind = ranked.kind
    WHERE ranked.of_kind <= channels.allowed
      AND (ranked.of_destination <= :of_one OR ranked.kind = ANY(CAST(:shared AS text[])))
      AND notifications.state = 'waiting' AND notifications.next_at <= now()
    ORDER BY ranked.urgency, ranked.next_at, ranked.id
    LIMIT :most
    FOR UPDATE OF notifications SKIP LOCKED
)
UPDATE notifications
SET next_at = now() + make_interval(secs => :lease_s), taken_by = CAST(:epoch AS bigint)
FROM chosen
WHERE notifications.id = chosen.id
RETURNING notifications.id, notice_id, contact, channel, kind, destination, priority, attempts, created_at
