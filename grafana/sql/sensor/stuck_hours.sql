SELECT stuck_hours FROM sensor_health WHERE sensor_id = ${sensor:sqlstring}
