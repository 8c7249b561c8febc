"""Numbers with Grafana's units, as people read them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

_SUFFIX: Final = {"velocitykmh": " km/h", "percent": " %", "lengthm": " m", "lengthkm": " km", "m": " min", "h": " h"}
_MOST_DECIMALS: Final = 6
_MINUTE_S: Final = 60


def shown(value: Any, unit: str | None, decimals: int | None = None) -> str:
    """One value; a dash for none. Times are in UTC."""
    match value:
        case None:
            return "–"
        case bool() | str():
            return str(value)
        case datetime():
            return f"{value if value.tzinfo is None else value.astimezone(UTC):%d %b %H:%M}"
        case timedelta():
            return shown(value.total_seconds(), "s")
        case list():
            return ", ".join(map(str, value))
    number = float(value)
    if unit == "percentunit":
        return f"{number:.{decimals or 0}%}".replace("%", " %")
    if unit == "s" and abs(number) >= _MINUTE_S:
        minutes = round(number / _MINUTE_S)
        return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
    suffix = _SUFFIX.get(unit or "", " s" if unit == "s" else "")
    if unit and unit.startswith("suffix:"):
        suffix = unit.removeprefix("suffix:")
    places = decimals if decimals is not None else (0 if number == int(number) or abs(number) >= 100 else 1)
    return f"{number:,.{places}f}{suffix}"


def labels(values: Sequence[float], unit: str | None, decimals: int | None = None) -> list[str]:
    """Of an axis' ticks: all with as many decimals as their step needs, and `decimals` at least."""
    step = min((abs(after - before) for before, after in pairwise(values)), default=0.0) or 1.0
    if unit == "s" and any(_is_between(value / _MINUTE_S, step / _MINUTE_S) for value in values):
        unit = "suffix: s"
    scale = 100 if unit == "percentunit" else 1
    needed = next(
        (
            places
            for places in range(_MOST_DECIMALS)
            if not any(_is_between(value * scale * 10**places, step * scale * 10**places) for value in values)
        ),
        _MOST_DECIMALS,
    )
    return [shown(value, unit, max(needed, decimals or 0)) for value in values]


def _is_between(value: float, step: float) -> bool:
    """Whether it is no whole number, by more than a little of a step."""
    return not math.isclose(value, round(value), rel_tol=0, abs_tol=step / 100)
