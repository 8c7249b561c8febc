"""How figures and names are written on a page."""

from datetime import date
from typing import Final

from schema.days import Days
from spark.insights.insight import BUFFER_INDEX, INCIDENTS, MINUTES, SECONDS, VEHICLE_HOURS, Insight

UNKNOWN: Final = "–"
NAME_LENGTH: Final = 44
MILLION: Final = 1e6
SAME: Final = 0.005
"""Share of the figure before within which one is about the same."""

_SHORT: Final = {VEHICLE_HOURS: "veh h", SECONDS: "s", MINUTES: "min"}


def named(text: str, length: int = NAME_LENGTH) -> str:
    """A name from a feed as one line of printable characters, no longer than `length`.

    What is too long is cut in its middle, since the end often says which way.
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    tail = length // 3
    return line if len(line) <= length else f"{line[: length - tail - 1].rstrip()}…{line[-tail:].lstrip()}"


def figure(value: float | None, unit: str) -> str:
    """For example 1,234 veh h, USD 1.23 M, 1.32, 45 %."""
    if value is None:
        return UNKNOWN
    if unit == BUFFER_INDEX:
        return share(value)
    if unit.endswith("index"):
        return f"{value:.2f}"
    if unit == INCIDENTS:
        return f"{value:,.0f}"
    if unit in _SHORT:
        return f"{amount(value)} {_SHORT[unit]}"
    return f"{unit} {amount(value)}"


def amount(value: float) -> str:
    """Without its unit: 1.5, 1,234, 1.23 M, 123 M."""
    if abs(value) >= MILLION:
        return f"{value / MILLION:,.{0 if abs(value) >= 100 * MILLION else 2}f} M"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.1f}"


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
