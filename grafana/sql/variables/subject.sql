SELECT subject AS __value, concat_ws(', ', name, subject) AS __text
FROM seasonality
LEFT JOIN sensors ON subject_kind = 'sensor' AND external_id = subject
WHERE subject_kind = ${subject_kind:sqlstring}
UNION ALL SELECT '', 'none yet' WHERE NOT EXISTS (SELECT FROM seasonality WHERE subject_kind = ${subject_kind:sqlstring})
ORDER BY 2
