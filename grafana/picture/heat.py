"""A row for each series over time, coloured by its thresholds, or by its words' colours."""

from collections.abc import Mapping
from typing import Final

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from grafana.picture.answers import Answered, series
from grafana.picture.look import INK, colour, cut, note, size_in, times, width_in

KINDS: Final = ("heatmap", "state-timeline", "status-history")
_LONGEST: Final = 34
_LINE_IN: Final = 0.12


def names_in(one: Answered) -> float:
    """Inches that the names of its rows need."""
    return width_in(cut(name, _LONGEST) for name in series(one))


def draw(axes: Axes, one: Answered) -> None:
    """With as many names as there is room for."""
    found = series(one)
    moments = sorted({time for ones, _ in found.values() for time in ones})
    places = {time: number for number, time in enumerate(moments)}
    words = _mapped(one)
    picture = np.ones((len(found), len(moments), 4))
    for row, (name, (ones, values)) in enumerate(found.items()):
        for time, value in zip(ones, values, strict=True):
            chosen = words.get(f"{value:g}") or (None if np.isnan(value) else one.colour(value, name))
            if chosen:
                picture[row, places[time]] = to_rgba(colour(chosen) or INK)
    dates = mdates.date2num(moments)  # type: ignore[no-untyped-call]
    after = dates[-1] + (np.median(np.diff(dates)) if len(dates) > 1 else one.shown.interval.total_seconds() / 86_400)
    edges = np.append(dates, after)
    axes.pcolormesh(edges, np.arange(len(found) + 1), picture)
    axes.set_ylim(len(found), 0)
    step = max(1, int(np.ceil(len(found) * _LINE_IN / size_in(axes)[1])))
    axes.set_yticks(np.arange(0, len(found), step) + 0.5, [cut(name, _LONGEST) for name in list(found)[::step]])
    if step > 1:
        note(axes, f"one row in {step} is named")
    times(axes, one)


def _mapped(one: Answered) -> dict[str, str]:
    mappings = one.setting("mappings") or []
    options = {key: value for mapping in mappings for key, value in mapping["options"].items()}
    return {key: value["color"] for key, value in options.items() if isinstance(value, Mapping) and "color" in value}
