-- The functions that an analyst's query calls, as PostgreSQL itself resolved them, and that it calls volatile: those
-- that change something, wait, take locks, become another role or run text as SQL are all among them.
SELECT DISTINCT proname::text FROM pg_proc
WHERE provolatile = 'v' AND oid IN (
    SELECT (regexp_matches(ev_action::text, ':(funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g'))[2]::oid
    FROM pg_rewrite WHERE ev_class = 'pg_temp.urbanclear_asked'::regclass
)
ORDER BY 1
