SELECT good_share AS good FROM sensor_health WHERE sensor_id = ${sensor:sqlstring}
