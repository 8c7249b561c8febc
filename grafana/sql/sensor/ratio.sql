SELECT speed_ratio AS ratio FROM current_conditions WHERE sensor_id = ${sensor:sqlstring}
