-- The columns of the view that stands for an analyst's query.
SELECT attname::text FROM pg_attribute
WHERE attrelid = 'pg_temp.urbanclear_asked'::regclass AND attnum > 0 ORDER BY attnum
