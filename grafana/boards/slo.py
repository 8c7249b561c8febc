"""Service levels: what was promised, what is kept, and how much may still go wrong."""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode

from grafana.board import board
from grafana.colours import GREEN, ORANGE, RED, steps
from grafana.names import PROMETHEUS
from grafana.panels import lines, number
from grafana.queries import promql
from urbanclear.slo import AVAILABILITY, BURNS, FORECASTS, FRESHNESS, LATENCY, Objective

DAYS: Final = "over the last 30 days"
#: At which an alert of either severity fires at the latest.
TICKET: Final = min(burn.rate for burn in BURNS)
PAGE: Final = min(burn.rate for burn in BURNS if burn.severity == "page")
BUDGET: Final = steps(RED, (0, ORANGE), (0.25, GREEN))
SPENDING: Final = steps(GREEN, (TICKET, ORANGE), (PAGE, RED))
LINES: Final = GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)


@dataclass(frozen=True)
class Shown:
    """An objective, and in words what is good by it."""

    objective: Objective
    title: str
    good: str


SHOWN: Final = (
    Shown(AVAILABILITY, "Availability", "Requests answered without an error of the server"),
    Shown(LATENCY, "Latency", f"Requests whose answer began within {LATENCY.threshold_s} s"),
    Shown(FRESHNESS, "Freshness", "Time in which the newest reading was no older than its threshold"),
    Shown(FORECASTS, "Forecasts", f"Time in which forecasts were no older than {FORECASTS.threshold_s:.0f} s"),
)


def build() -> Dashboard:
    """The dashboard."""
    dashboard = board("slo", "Service levels", "What is promised to those who use Urbanclear, and what is kept.")
    for shown in SHOWN:
        dashboard = _row(dashboard, shown)
    return dashboard.with_row(Row("Error budgets")).with_panel(_budgets()).with_panel(_burns())


def _row(dashboard: Dashboard, shown: Shown) -> Dashboard:
    name, target = shown.objective.name, shown.objective.target
    chosen = f'{{slo="{name}"}}'
    kept = steps(RED, (target, GREEN))
    return (
        dashboard.with_row(Row(shown.title))
        .with_panel(
            number(
                f"{shown.title}: target",
                f"{shown.good}: the share that is promised {DAYS}.",
                promql(f"urbanclear:slo_target:ratio{chosen}"),
                "percentunit",
                PROMETHEUS,
            )
            .decimals(2)
            .thresholds(steps(GREEN))
        )
        .with_panel(
            number(
                f"{shown.title}: kept",
                f"{shown.good}: the share {DAYS}.",
                promql(f"urbanclear:slo_good:ratio30d{chosen}"),
                "percentunit",
                PROMETHEUS,
            )
            .decimals(3)
            .thresholds(kept)
        )
        .with_panel(
            number(
                f"{shown.title}: budget left",
                f"Of what may go wrong {DAYS}, the share that is left; below 0 the objective is missed.",
                promql(f"urbanclear:slo_budget_left:ratio30d{chosen}"),
                "percentunit",
                PROMETHEUS,
            )
            .decimals(1)
            .thresholds(BUDGET)
        )
        .with_panel(
            number(
                f"{shown.title}: burn rate",
                "How many times as fast as it would last for 30 days the budget was spent in the last hour.",
                promql(f"urbanclear:slo_burn:rate1h{chosen}"),
                "none",
                PROMETHEUS,
            )
            .decimals(1)
            .thresholds(SPENDING)
        )
    )


def _budgets() -> timeseries.Panel:
    return (
        lines(
            "Error budgets left",
            f"Of what may go wrong {DAYS}, the share that was left at each moment; below 0 an objective is missed.",
            [promql("urbanclear:slo_budget_left:ratio30d", "{{slo}}")],
            "percentunit",
            PROMETHEUS,
        )
        .thresholds(BUDGET)
        .thresholds_style(LINES)
    )


def _burns() -> timeseries.Panel:
    return (
        lines(
            "Burn rates",
            "How many times as fast as it would last for 30 days each budget was spent, over the last hour at each "
            f"moment. From {TICKET:g} on, if it lasts, there is a ticket; from {PAGE:g} on somebody is called.",
            [promql("urbanclear:slo_burn:rate1h", "{{slo}}")],
            "none",
            PROMETHEUS,
        )
        .thresholds(SPENDING)
        .thresholds_style(LINES)
    )
