"""Alert rules that Grafana evaluates, as code: what guards Urbanclear, and tells sites without its alerting.

`RULES` has them all; docs/grafana.md has a section for each, to which its `runbook_url` leads.
"""

from typing import Final

from grafana.alerts import data, system, traffic
from grafana.alerts.rule import Rule

RULES: Final[tuple[Rule, ...]] = (*data.RULES, *traffic.RULES, *system.RULES)
