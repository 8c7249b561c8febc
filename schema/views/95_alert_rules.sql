CREATE OR REPLACE VIEW alert_rules AS
SELECT name, version, coalesce((definition ->> 'enabled')::boolean, true) AS enabled,
       definition -> 'when' ->> 'kind' AS kind, coalesce(definition ->> 'priority', 'medium') AS priority,
       definition, origin, changed_at, changed_by
FROM (SELECT DISTINCT ON (name) * FROM alert_definitions WHERE kind = 'rule' ORDER BY name, version DESC) AS newest
WHERE definition IS NOT NULL;

COMMENT ON VIEW alert_rules IS 'What is watched: the newest version of each rule';
COMMENT ON COLUMN alert_rules.name IS 'of the rule, as alerts.rule has it';
COMMENT ON COLUMN alert_rules.version IS 'counts its changes, from 1';
COMMENT ON COLUMN alert_rules.enabled IS 'whether it is evaluated';
COMMENT ON COLUMN alert_rules.kind IS 'threshold, deviation, forecast, incident, anomaly, silence or sql';
COMMENT ON COLUMN alert_rules.priority IS 'low, medium, high or critical; by_severity: as the incident''s severity is';
COMMENT ON COLUMN alert_rules.definition IS 'the rule, without what was left at its default';
COMMENT ON COLUMN alert_rules.origin IS 'default, file or api';
COMMENT ON COLUMN alert_rules.changed_at IS 'when it was last written';
COMMENT ON COLUMN alert_rules.changed_by IS 'who wrote it';
