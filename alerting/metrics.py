"""What evaluation and dispatch count; docs/alerts.md explains each."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

LEADS: Final = Gauge("urbanclear_alerting_leads", "1 while this process leads")
RULES: Final = Gauge("urbanclear_alerting_rules", "Rules that are evaluated")
ALERTS: Final = Gauge("urbanclear_alerting_alerts", "Alerts by state and priority", ["state", "priority"])
SUBJECTS: Final = Gauge("urbanclear_alerting_subjects", "Subjects at the last evaluation", ["rule"])
EVALUATION: Final = Histogram("urbanclear_alerting_evaluation_seconds", "To evaluate a rule", ["rule"])
FAILURES: Final = Counter("urbanclear_alerting_evaluation_failures_total", "Evaluations that failed", ["rule"])
LATE: Final = Gauge("urbanclear_alerting_late_seconds", "How late the last evaluation began")
CHANGES: Final = Counter("urbanclear_alerting_changes_total", "Changes of alerts", ["kind"])
NOTICES: Final = Counter("urbanclear_alerting_notices_total", "Notices by outcome", ["outcome"])
PUBLISHED: Final = Counter("urbanclear_alerting_published_total", "Changes that Kafka was told")
