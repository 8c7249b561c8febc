SELECT reporting_share AS reporting FROM sensor_health WHERE sensor_id = ${sensor:sqlstring}
