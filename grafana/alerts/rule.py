"""What an alert rule is, and how Grafana has it: a query, a bound, how long it has to hold, and what people read.

Each asks for one number, so that it is one alert, whatever happens. While its data source does not answer, the one
rule that watches the data source fires and every other one stays quiet.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.alerting import Rule as RuleModel
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from grafana.names import EXPRESSION, FOLDER_UID, POSTGRES, PROMETHEUS, SOURCE, rule_uid
from grafana.queries import Sql, instant

RUNBOOKS: Final = "docs/grafana.md#"
LOOKS_BACK_S: Final = 600
QUERY: Final = "A"
BOUND: Final = "B"

Silent = Literal["Alerting", "OK"]


class Severity(StrEnum):
    """How urgent: `critical` wakes somebody, `warning` waits for the morning."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, one after the other, every `interval_s` seconds."""

    name: str
    source: DataSourceRef
    interval_s: int = 60


DATA: Final = Group("data", POSTGRES)
TRAFFIC: Final = Group("traffic", POSTGRES)
SYSTEM: Final = Group("system", PROMETHEUS)
GROUPS: Final = (DATA, TRAFFIC, SYSTEM)


@dataclass(frozen=True)
class Bound:
    """What the number must not be."""

    kind: Literal["gt", "lt", "outside_range"]
    values: tuple[float, ...]


def above(value: float) -> Bound:
    """More than `value`."""
    return Bound("gt", (value,))


def below(value: float) -> Bound:
    """Less than `value`."""
    return Bound("lt", (value,))


def outside(least: float, most: float) -> Bound:
    """Less than `least`, or more than `most`."""
    return Bound("outside_range", (least, most))


@dataclass(frozen=True)
class Rule:
    """An alert rule; `pending` is how long its number has to be out of bounds, such as `5m`.

    `asks` is a file of `grafana/sql/alerts/`, or PromQL where its group asks Prometheus. `lacking` is what it means
    that there is no such number, `failing` that the question cannot be answered.
    """

    name: str
    title: str
    group: Group
    asks: str
    bound: Bound
    pending: str
    severity: Severity
    summary: str
    description: str
    lacking: Silent = "OK"
    failing: Silent = "OK"

    @property
    def uid(self) -> str:
        """Never changes."""
        return rule_uid(self.name)

    def query(self) -> Builder[Dataquery]:
        """What it asks its group's data source."""
        if self.group.source is POSTGRES:
            return Sql(f"alerts/{self.asks}", table=True)
        return instant(self.asks)

    def build(self) -> RuleModel:
        """As Grafana has it."""
        rule = alerting.Rule(self.title).uid(self.uid).folder_uid(FOLDER_UID).rule_group(self.group.name)
        rule = rule.with_query(self._number()).with_query(self._threshold()).condition(BOUND).for_val(self.pending)
        rule = rule.no_data_state(self.lacking).exec_err_state(self.failing)
        texts = {"summary": self.summary, "description": self.description, "runbook_url": f"{RUNBOOKS}{self.name}"}
        return rule.labels({**SOURCE, "severity": str(self.severity)}).annotations(texts).build()

    def _number(self) -> alerting.Query:
        asked = alerting.Query(QUERY).datasource_uid(self.group.source.uid or "").model(self.query())
        return asked.relative_time_range(RelativeTimeRange(from_val=LOOKS_BACK_S, to=0))

    def _threshold(self) -> alerting.Query:
        evaluator = expr.ExprTypeThresholdConditionsEvaluator().type(self.bound.kind).params([*self.bound.values])
        condition = expr.ExprTypeThresholdConditions().evaluator(evaluator)
        threshold = expr.TypeThreshold().ref_id(BOUND).expression(QUERY).conditions([condition])
        model = threshold.datasource(EXPRESSION)
        asked = alerting.Query(BOUND).datasource_uid(EXPRESSION.uid or "").model(model)
        return asked.relative_time_range(RelativeTimeRange(from_val=0, to=0))
