SELECT extract(epoch FROM age)::double precision AS age FROM current_conditions WHERE sensor_id = ${sensor:sqlstring}
