"""Why a sensor is where it is on the list, in words for the technician who goes there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

RISES: Final = 0.02  # shares of the readings; less is not worth a word
MISSED: Final = 0.03
IMPLAUSIBLE: Final = 0.05


@dataclass(frozen=True)
class Signs:
    """What is known of a sensor. `missing` is the share of its readings that it missed on each day it worked, the
    newest first; `lasts` says that its newest failure does."""

    days: int
    silences: int
    stucks: int
    hours: float
    last: date | None
    lasts: bool
    missing: list[float]
    implausible: float


def reason(signs: Signs) -> str:
    """One sentence without its full stop."""
    return "; ".join(_parts(signs)) or f"no trouble in {_many(signs.days, 'day')}"


def _parts(signs: Signs) -> Iterator[str]:
    yield from _failures(signs)
    yield from _missing(signs.missing)
    if signs.implausible >= IMPLAUSIBLE:
        yield f"{_percent(signs.implausible)} of its readings are implausible"


def _failures(signs: Signs) -> Iterator[str]:
    if signs.last is None:
        return
    counted = (("silent", signs.silences), ("stuck", signs.stucks))
    kinds = " and ".join(f"{kind} {_times(count)}" for kind, count in counted if count)
    yield f"{kinds} in {_many(signs.days, 'day')}, {signs.hours:.1f} h in all"
    day = f"{signs.last.day} {signs.last:%B}"
    yield f"it has lasted since {day}" if signs.lasts else f"last on {day}"


def _missing(shares: list[float]) -> Iterator[str]:
    """What it misses, and since when that has grown."""
    if not shares or shares[0] < MISSED:
        return
    day = 0
    while day + 1 < len(shares) and shares[day + 1] < shares[day]:
        day += 1
    if shares[0] - shares[day] >= RISES:
        change = f"{_percent(shares[day])} → {_percent(shares[0])} in {_many(day, 'day')}"
        yield f"misses more readings each day ({change})"
    else:
        yield f"misses {_percent(shares[0])} of its readings"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
