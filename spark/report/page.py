"""What is on the page, without how it looks: the report's figures, charts, tables and notes, ready to be written.

Both the HTML page and the PDF are made of this, so that they say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from schema.days import Days
from spark.insights.insight import (
    DELAY,
    DELAY_COST,
    INCIDENT_COST,
    INCIDENTS,
    PLANNING_TIME_INDEX,
    Insight,
    of_kind,
)
from spark.insights.parameters import Parameters
from spark.report.notes import notes
from spark.report.tables import ROWS, Table, tables
from spark.report.wording import change, figure, named, period

LABEL_LENGTH: Final = 26

_HEADLINES: Final = {
    DELAY: "Delay",
    DELAY_COST: "Cost of the delay",
    PLANNING_TIME_INDEX: "Planning time index",
    INCIDENTS: "Incidents",
    INCIDENT_COST: "Cost of the incidents",
}


@dataclass(frozen=True)
class Headline:
    """One figure of the city as a whole."""

    label: str
    value: str
    change: str


@dataclass(frozen=True)
class Series:
    """Bars with a label each, of this week and of the one before; None where it is not known."""

    title: str
    unit: str
    labels: Sequence[str]
    now: Sequence[float | None]
    before: Sequence[float | None]

    @property
    def description(self) -> str:
        """The chart in words."""
        bars = zip(self.labels, self.now, self.before, strict=True)
        return "; ".join(
            f"{label}: {figure(now, self.unit)} (the week before {figure(before, self.unit)})"
            for label, now, before in bars
        )


@dataclass(frozen=True)
class Page:
    """All that the report says."""

    title: str
    subtitle: str
    headlines: Sequence[Headline]
    by_day: Series
    corridors: Series
    tables: Sequence[Table]
    notes: Sequence[tuple[str, str]]


def page_of(insights: Sequence[Insight], days: Days, parameters: Parameters) -> Page:
    """The page of a week's insights."""
    totals = {insight.subject: insight for insight in of_kind(insights, "total")}
    headlines = [
        Headline(label, figure(total.value, total.unit), change(total))
        for subject, label in _HEADLINES.items()
        if (total := totals.get(subject)) is not None
    ]
    delay = totals[DELAY]
    return Page(
        f"Traffic report, {period(days)}",
        f"Days of {parameters.time_zone}, against the week before, {period(days.before)}",
        headlines,
        _by_day(delay, days),
        _corridors(insights, delay.unit),
        tables(insights, parameters),
        notes(delay, parameters),
    )


def _by_day(delay: Insight, days: Days) -> Series:
    now, before = (
        {date.fromisoformat(day["day"]): day["value"] for day in delay.detail[name]}
        for name in ("days", "days_before")
    )
    return Series(
        "Delay by day",
        delay.unit,
        [f"{day:%a} {day.day}" for day in days],
        [now.get(day) for day in days],
        [before.get(day) for day in days.before],
    )


def _corridors(insights: Sequence[Insight], unit: str) -> Series:
    worst = of_kind(insights, "worst_delay")[:ROWS]
    return Series(
        "Corridors with the most delay",
        unit,
        [named(insight.subject, LABEL_LENGTH) for insight in worst],
        [insight.value for insight in worst],
        [insight.before for insight in worst],
    )
