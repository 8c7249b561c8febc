SELECT speed_kmh AS speed FROM current_conditions WHERE sensor_id = ${sensor:sqlstring}
