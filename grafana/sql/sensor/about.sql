SELECT name, area, concat_ws(' ', road, direction) AS road, lanes, length_m AS length, external_id AS "external id"
FROM sensors
WHERE id = ${sensor:sqlstring}
