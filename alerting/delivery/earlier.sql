-- For each of the given notifications: those about the same alerts, while they fired, that its receiver was given or
-- is to be given before it.
WITH mine AS (
    SELECT id, notice_id, kind, destination, created_at FROM notifications WHERE id = ANY(CAST(:ids AS text[]))
), notices AS (
    SELECT DISTINCT own.id AS notice_id, earlier.id AS earlier_id
    FROM (SELECT DISTINCT notice_id FROM mine) AS asked
    JOIN alert_notices AS own ON own.id = asked.notice_id
    JOIN alert_notices AS earlier ON earlier.alert_ids && own.alert_ids AND earlier.id <> own.id
    WHERE earlier.document ->> 'status' = 'firing'
)
SELECT mine.id, earlier.id AS earlier_id, earlier.state, earlier.reference,
       extract(epoch FROM earlier.next_at - now()) AS due_in_s
FROM mine
JOIN notices ON notices.notice_id = mine.notice_id
JOIN notifications AS earlier
  ON earlier.notice_id = notices.earlier_id AND earlier.kind = mine.kind AND earlier.destination = mine.destination
WHERE earlier.created_at <= mine.created_at AND earlier.state IN ('waiting', 'delivered')
ORDER BY earlier.created_at, earlier.id
