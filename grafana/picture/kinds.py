"""A panel of each kind, drawn on its axes."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from grafana.picture import heat, lines, tables
from grafana.picture.answers import Answered
from grafana.picture.look import INK, PALE, PALETTE, colour, colour_of, cut, note, unit
from grafana.picture.units import shown

_MOST_BARS: Final = 20
_LEVEL_BARS: Final = 7
_CENTRED: Final[Any] = {"ha": "center", "va": "center"}


def draw(axes: Axes, one: Answered) -> None:
    """Whatever the panel is; one that asks no database says so."""
    if one.kind == "text":
        _text(axes, one)
    elif not one.rows:
        axes.text(0.5, 0.5, "no data", color=PALE, transform=axes.transAxes, **_CENTRED)
        axes.set_axis_off()
    else:
        _KINDS.get(one.kind, tables.draw)(axes, one)


def _text(axes: Axes, one: Answered) -> None:
    content = str((one.panel.get("options") or {}).get("content", ""))
    plain = re.sub(r"^\|[-| ]+\|$\n?|[*`#]|^\| *| *\|$", "", content, flags=re.MULTILINE).replace(" | ", ": ")
    axes.text(0, 1, plain, va="top", wrap=True, linespacing=1.6, transform=axes.transAxes)
    axes.set_axis_off()


def _stat(axes: Axes, one: Answered) -> None:
    row = one.rows[-1]
    told = {name: value for name, value in row.items() if name != "time"}
    axes.set_axis_off()
    for number, (name, value) in enumerate(told.items()):
        chosen = one.colour(float(value), name) if isinstance(value, (int, float)) else None
        text = shown(value, one.setting("unit", name), one.setting("decimals", name))
        place = (number + 0.5) / len(told)
        axes.text(
            place, 0.45, text, ha="center", va="center", fontsize=15, color=colour(chosen) or INK, weight="bold"
        )
        if len(told) > 1:
            axes.text(place, 0.85, name, color=PALE, **_CENTRED)


def _bars(axes: Axes, one: Answered) -> None:
    rows = one.rows[:_MOST_BARS]
    text = next((name for name, value in rows[0].items() if isinstance(value, (str, datetime))), None)
    numbers = [name for name, value in rows[0].items() if name != text and not isinstance(value, (str, datetime))]
    labels = (
        [cut(shown(row[text], None), 22) for row in rows] if text else [str(number) for number in range(len(rows))]
    )
    stacks = (one.panel.get("options") or {}).get("stacking") == "normal"
    bottom, width = np.zeros(len(rows)), 0.8 if stacks else 0.8 / len(numbers)
    for number, name in enumerate(numbers):
        values = np.array([float(row[name] or 0) for row in rows])
        places = np.arange(len(rows)) + (0 if stacks else (number - (len(numbers) - 1) / 2) * width)
        axes.bar(places, values, width, bottom=bottom, color=colour_of(one, name, number), label=name)
        bottom = bottom + values if stacks else bottom
    axes.set_xticks(np.arange(len(rows)), labels, rotation=20 if len(rows) > _LEVEL_BARS else 0)
    unit(axes, one, numbers[0] if numbers else "")
    if 1 < len(numbers) <= len(PALETTE):
        axes.legend(fontsize=5, loc="upper left", bbox_to_anchor=(0, -0.09), frameon=False, ncols=len(numbers))
    if len(one.rows) > len(rows):
        note(axes, f"… and {len(one.rows) - len(rows)} more")


def _map(axes: Axes, one: Answered) -> None:
    """Each layer has the rows of one query, in their order."""
    for layer, rows in zip(one.panel["options"]["layers"], one.frames, strict=True):
        look = layer["config"]["style"]["color"]
        by = look.get("field")
        colours = [colour(one.colour(row[by], by) if by else look["fixed"]) or PALE for row in rows]
        size = layer["config"]["style"]["size"]["fixed"]
        axes.scatter([row["lon"] for row in rows], [row["lat"] for row in rows], c=colours, s=size)
    axes.set_aspect(1.3)
    axes.set_axis_off()


_KINDS: Final[dict[str, Callable[[Axes, Answered], None]]] = {
    "stat": _stat,
    "gauge": _stat,
    "timeseries": lines.draw,
    "heatmap": heat.draw,
    "status-history": heat.draw,
    "state-timeline": heat.draw,
    "barchart": _bars,
    "bargauge": _bars,
    "piechart": _bars,
    "geomap": _map,
}
