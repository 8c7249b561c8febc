"""Lines, areas and bars over time; gaps in the data stay gaps."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from grafana.picture.answers import Answered, series
from grafana.picture.look import PALETTE, colour_of, note, times, unit, width_in
from grafana.picture.units import shown

Series = tuple[list[datetime], list[float]]
Numbers = NDArray[np.float64]

_MOST: Final = 24
_WIDE: Final = 9_000  # is written as wide as most numbers
_GAP: Final = 3.5  # times the usual distance
_LONE_BARS: Final = 50  # as many would fit, where the data do not say how wide one is


def scales_in(one: Answered) -> tuple[float, float]:
    """Inches that the numbers of the axis at the left need, and of the one at the right."""
    units: dict[bool, list[str]] = {True: [], False: []}
    for name in series(one):
        units[_is_right(one, name)].append(shown(_WIDE, one.setting("unit", name)))
    return width_in(units[False]), width_in(units[True]) if units[True] else 0


def _is_right(one: Answered, name: str) -> bool:
    return bool(one.setting("custom.axisPlacement", name) == "right")


def draw(axes: Axes, one: Answered) -> None:
    """Series of another axis on a second one, at the right."""
    every = series(one)
    found = dict(list(every.items())[:_MOST])
    right = [name for name in found if _is_right(one, name)]
    left = [name for name in found if name not in right]
    by_name = dict.fromkeys(left or right, axes)
    if left and right:
        by_name |= dict.fromkeys(right, axes.twinx())
    _series(by_name, one, found)
    _bands(by_name, one, found)
    for each in dict.fromkeys(by_name.values()):
        first = next(name for name, its in by_name.items() if its is each)
        unit(each, one, first)
        if each is not axes:
            each.grid(visible=False)
    times(axes, one)
    _legend(axes, by_name)
    if len(every) > _MOST:
        note(axes, f"… and {len(every) - _MOST} more")


def _series(by_name: Mapping[str, Axes], one: Answered, found: Mapping[str, Series]) -> None:
    custom = one.setting("custom") or {}
    as_bars = custom.get("drawStyle") == "bars"
    stacks = (custom.get("stacking") or {}).get("mode") == "normal"
    width = 0.8 * _apart(one, found.values())
    below: dict[datetime, float] = {}
    for number, (name, (moments, values)) in enumerate(found.items()):
        look: dict[str, Any] = {"color": colour_of(one, name, number), "label": name}
        base = np.array([below.get(time, 0.0) if stacks else 0.0 for time in moments])
        heights = base + np.nan_to_num(values) if stacks else np.array(values)
        if as_bars:
            by_name[name].bar(_dates(moments), heights - base, bottom=base, width=width, **look)
        elif stacks:
            places, lower, upper = broken(moments, base, heights)
            by_name[name].fill_between(places, lower, upper, linewidth=0, alpha=0.8, **look)
        elif one.setting("custom.lineWidth", name) != 0:
            places, ordered = broken(moments, heights)
            _line(by_name[name], places, ordered, look)
        below |= dict(zip(moments, heights, strict=True)) if stacks else {}


def _line(axes: Axes, places: Numbers, heights: Numbers, look: dict[str, Any]) -> None:
    """A value without neighbours is a dot."""
    axes.plot(places, heights, linewidth=0.8, **look)
    known = np.concatenate(([False], ~np.isnan(heights), [False]))
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    axes.plot(places[alone], heights[alone], ".", markersize=2, color=look["color"])


def broken(moments: list[datetime], *columns: Iterable[float]) -> tuple[Numbers, ...]:
    """Times as matplotlib has them and the columns, in order of time, with a NaN in each gap."""
    places = _dates(moments)
    order = np.argsort(places, kind="stable")
    places = places[order]
    apart = np.diff(places)
    usual = float(np.median(apart[apart > 0])) if np.any(apart > 0) else 1.0
    gaps = np.flatnonzero(apart > _GAP * usual) + 1
    ordered = [np.array(list(column), dtype=float)[order] for column in columns]
    return np.insert(places, gaps, places[gaps - 1] + usual), *(np.insert(column, gaps, np.nan) for column in ordered)


def _apart(one: Answered, found: Iterable[Series]) -> float:
    """Days between two times that have data, at the least, whichever series has them."""
    moments = {time for times_of_one, _ in found for time in times_of_one}
    shown: float = (one.shown.end - one.shown.start).total_seconds() / 86_400
    return float(min(np.diff(_dates(sorted(moments))), default=shown / _LONE_BARS))


def _dates(moments: list[datetime]) -> Numbers:
    dates: Numbers = mdates.date2num(np.array(moments))  # type: ignore[no-untyped-call]
    return dates


def _bands(by_name: Mapping[str, Axes], one: Answered, found: Mapping[str, Series]) -> None:
    """What lies between a line and the one that the panel fills it down to."""
    for number, (name, (moments, values)) in enumerate(found.items()):
        lower = found.get(one.setting("custom.fillBelowTo", name) or "")
        if lower and len(lower[1]) == len(values):
            places, least, most = broken(moments, lower[1], values)
            shade = colour_of(one, name, number)
            by_name[name].fill_between(places, least, most, color=shade, alpha=0.15, linewidth=0)


def _legend(axes: Axes, by_name: Mapping[str, Axes]) -> None:
    drawn = [each.get_legend_handles_labels() for each in dict.fromkeys(by_name.values())]
    handles = [handle for found, _ in drawn for handle in found]
    if 1 < len(handles) <= len(PALETTE):
        names = [name for _, found in drawn for name in found]
        place: Any = {"loc": "upper left", "bbox_to_anchor": (0, -0.09), "ncols": len(handles)}
        axes.legend(handles, names, fontsize=5, frameon=False, **place)
