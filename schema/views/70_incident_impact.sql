CREATE OR REPLACE VIEW incident_impact AS
SELECT incident_id, day, kind, severity, area, road, started_at, cleared_at,
       extract(epoch FROM cleared_at - started_at) / 60 AS duration_minutes,
       incident_impact.sensors, normal_speed_kmh, mean_speed_kmh, least_speed_kmh, vehicle_hours_of_delay,
       delay_s_per_vehicle, good_share, time_zone, algorithm_version
FROM measures.incident_impact
JOIN measures.definitions ON definitions.id = definition_id
JOIN incidents ON incidents.id = incident_id;

COMMENT ON VIEW incident_impact IS 'What each incident cost against the same hour''s normal, from its start until half an hour after it was cleared';
COMMENT ON COLUMN incident_impact.incident_id IS 'incidents.id';
COMMENT ON COLUMN incident_impact.day IS 'the city''s day on which it started, in time_zone';
COMMENT ON COLUMN incident_impact.kind IS 'of incident';
COMMENT ON COLUMN incident_impact.severity IS 'low, medium, high or critical';
COMMENT ON COLUMN incident_impact.area IS 'part of the city';
COMMENT ON COLUMN incident_impact.road IS 'road it is on';
COMMENT ON COLUMN incident_impact.started_at IS 'when it began';
COMMENT ON COLUMN incident_impact.cleared_at IS 'when it was cleared; NULL while it lasts';
COMMENT ON COLUMN incident_impact.duration_minutes IS 'from start to clearing, minutes';
COMMENT ON COLUMN incident_impact.sensors IS 'affected sensors that have readings';
COMMENT ON COLUMN incident_impact.normal_speed_kmh IS 'mean speed in the same hours of the same kind of day (weekday or weekend) in the 28 days before, km/h';
COMMENT ON COLUMN incident_impact.mean_speed_kmh IS 'while it lasted, km/h';
COMMENT ON COLUMN incident_impact.least_speed_kmh IS 'least mean of 5 minutes while it lasted, km/h';
COMMENT ON COLUMN incident_impact.vehicle_hours_of_delay IS 'hours lost by all vehicles against normal; NULL where vehicles are not counted';
COMMENT ON COLUMN incident_impact.delay_s_per_vehicle IS 'seconds lost by one vehicle over all affected links, mean';
COMMENT ON COLUMN incident_impact.good_share IS 'share of the readings behind it that are good, 0 to 1';
COMMENT ON COLUMN incident_impact.time_zone IS 'the definition in force: whose hours are the same';
COMMENT ON COLUMN incident_impact.algorithm_version IS 'version of the formulas; urbanclear schema reprocess brings the past to the newest';
