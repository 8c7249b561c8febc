"""How figures and names are written on a page."""

from datetime import date
from typing import Final

from spark.insights.days import Days
from spark.insights.insight import BUFFER_INDEX, INCIDENTS, MINUTES, SECONDS, VEHICLE_HOURS, Insight

UNKNOWN: Final = "–"
NAME_LENGTH: Final = 34
SAME: Final = 0.005
"""Share of the figure before within which one is about the same."""

_SHORT: Final = {VEHICLE_HOURS: "veh h", SECONDS: "s", MINUTES: "min"}


def named(text: str, length: int = NAME_LENGTH) -> str:
    """A name from a feed as one line of printable characters, no longer than `length`."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def figure(value: float | None, unit: str) -> str:
    """For example 1,234 veh h, USD 1.23 million, 1.32, 45 %."""
    if value is None:
        return UNKNOWN
    if unit == BUFFER_INDEX:
        return share(value)
    if unit.endswith("index"):
        return f"{value:.2f}"
    if unit == INCIDENTS:
        return f"{value:,.0f}"
    if unit in _SHORT:
        return f"{_rounded(value)} {_SHORT[unit]}"
    return money(value, unit)


def money(value: float, currency: str) -> str:
    """For example USD 12,345 and USD 1.23 million."""
    return f"{currency} {value / 1e6:,.2f} million" if abs(value) >= 1e6 else f"{currency} {value:,.0f}"


def share(value: float | None) -> str:
    """Of 1, in percent."""
    return UNKNOWN if value is None else f"{value * 100:,.0f} %"


def change(insight: Insight) -> str:
    """Against the week before, in words."""
    before = insight.before
    if before is None:
        return "not comparable with the week before"
    if abs(insight.value - before) <= SAME * abs(before):
        return "as in the week before"
    if before == 0:
        return "none in the week before"
    direction = "up" if insight.value > before else "down"
    return f"{direction} {share(abs(insight.value / before - 1))} on the week before"


def period(days: Days) -> str:
    """For example 2 to 8 March 2026, 23 February to 1 March 2026."""
    return f"{_day(days.first, days.last)} to {_day(days.last)}"


def _day(day: date, last: date | None = None) -> str:
    """Without what it has in common with `last`."""
    if last is None or day.year != last.year:
        return f"{day.day} {day:%B %Y}"
    return f"{day.day}" if day.month == last.month else f"{day.day} {day:%B}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.1f}"
