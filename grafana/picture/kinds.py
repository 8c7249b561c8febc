"""A panel of each kind, drawn on its axes."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.transforms import Bbox

from grafana.picture.answers import Answered, series
from grafana.picture.units import shown

INK: Final = "#1c2733"
_PALE: Final = "#6d757b"
#: Grafana's names of colours, as its light theme has them.
_NAMED: Final = {
    "green": "#56a64b",
    "yellow": "#f2cc0c",
    "orange": "#ff780a",
    "red": "#e02f44",
    "blue": "#3274d9",
    "purple": "#a352cc",
    "text": INK,
    "transparent": "#ffffff",
}
_PALETTE: Final = ("#3274d9", "#56a64b", "#ff780a", "#a352cc", "#e02f44", "#f2cc0c", "#1ca9a9", "#8f3bb8")
_MOST_LINES: Final = 24
_MOST_ROWS: Final = 10
_MOST_COLUMNS: Final = 7
_LINE_IN: Final = 0.22
_CENTRED: Final[Any] = {"ha": "center", "va": "center"}


def colour(name: str | None) -> str | None:
    """What matplotlib takes, of a name such as `semi-dark-red`."""
    if name is None or name.startswith("#"):
        return name
    return _NAMED.get(name.rsplit("-", 1)[-1], INK)


def draw(axes: Axes, one: Answered) -> None:
    """Whatever the panel is; one that asks no database says so."""
    if one.kind == "text":
        _text(axes, one)
    elif not one.rows:
        axes.text(0.5, 0.5, "no data", color=_PALE, transform=axes.transAxes, **_CENTRED)
        axes.set_axis_off()
    else:
        _KINDS.get(one.kind, _table)(axes, one)


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
            axes.text(place, 0.85, name, color=_PALE, **_CENTRED)


def _lines(axes: Axes, one: Answered) -> None:
    found = dict(list(series(one).items())[:_MOST_LINES])
    custom = one.setting("custom") or {}
    as_bars = custom.get("drawStyle") == "bars"
    stacks = (custom.get("stacking") or {}).get("mode") == "normal"
    below: dict[datetime, float] = {}
    for number, (name, (times, values)) in enumerate(found.items()):
        chosen = _colour_of(one, name, number)
        base = [below.get(time, 0.0) if stacks else 0.0 for time in times]
        heights = np.array(base) + np.nan_to_num(values) if stacks else np.array(values)
        if as_bars:
            apart = min(np.diff(mdates.date2num(sorted(set(times)))), default=1.0)  # type: ignore[no-untyped-call]
            axes.bar(np.array(times), heights - base, bottom=base, width=0.8 * apart, color=chosen, label=name)
        elif stacks:
            axes.fill_between(np.array(times), base, heights, color=chosen, label=name, linewidth=0, alpha=0.8)
        else:
            axes.plot(np.array(times), heights, linewidth=0.8, color=chosen, label=name)
        below |= dict(zip(times, heights, strict=True)) if stacks else {}
    _bands(axes, one, found)
    _times(axes)
    _unit(axes, one)
    _legend(axes, len(found))


def _bands(axes: Axes, one: Answered, found: Mapping[str, tuple[list[datetime], list[float]]]) -> None:
    """What lies between a line and the one that the panel fills it down to."""
    for number, (name, (times, values)) in enumerate(found.items()):
        lower = found.get(one.setting("custom.fillBelowTo", name) or "")
        if lower and len(lower[1]) == len(values):
            axes.fill_between(
                np.array(times), lower[1], values, color=_colour_of(one, name, number), alpha=0.15, linewidth=0
            )


def _colour_of(one: Answered, name: str, number: int) -> str:
    fixed = colour((one.setting("color", name) or {}).get("fixedColor"))
    return fixed or _PALETTE[number % len(_PALETTE)]


def _legend(axes: Axes, lines: int) -> None:
    if 1 < lines <= len(_PALETTE):
        axes.legend(fontsize=5, loc="upper left", bbox_to_anchor=(0, -0.09), frameon=False, ncols=lines)


def _heat(axes: Axes, one: Answered) -> None:
    """A row for each series, coloured by its thresholds, or by its words' colours."""
    found = series(one)
    times = sorted({time for ones, _ in found.values() for time in ones})
    places = {time: number for number, time in enumerate(times)}
    words = _mapped(one)
    picture = np.ones((len(found), len(times), 4))
    for row, (name, (ones, values)) in enumerate(found.items()):
        for time, value in zip(ones, values, strict=True):
            chosen = words.get(f"{value:g}") or (None if np.isnan(value) else one.colour(value, name))
            if chosen:
                picture[row, places[time]] = to_rgba(colour(chosen) or INK)
    edges = mdates.date2num([times[0], times[-1]])  # type: ignore[no-untyped-call]
    axes.imshow(picture, aspect="auto", interpolation="nearest", extent=(edges[0], edges[1], len(found), 0))
    step = max(1, len(found) // 10)
    axes.set_yticks(np.arange(0, len(found), step) + 0.5, [name[:24] for name in list(found)[::step]])
    _times(axes)


def _mapped(one: Answered) -> dict[str, str]:
    mappings = one.setting("mappings") or []
    options = {key: value for mapping in mappings for key, value in mapping["options"].items()}
    return {key: value["color"] for key, value in options.items() if isinstance(value, Mapping) and "color" in value}


def _bars(axes: Axes, one: Answered) -> None:
    rows = one.rows[: 2 * _MOST_ROWS]
    text = next((name for name, value in rows[0].items() if isinstance(value, (str, datetime))), None)
    numbers = [name for name, value in rows[0].items() if name != text and not isinstance(value, (str, datetime))]
    labels = [shown(row[text], None)[:22] for row in rows] if text else [str(number) for number in range(len(rows))]
    stacks = (one.panel.get("options") or {}).get("stacking") == "normal"
    bottom, width = np.zeros(len(rows)), 0.8 if stacks else 0.8 / len(numbers)
    for number, name in enumerate(numbers):
        values = np.array([float(row[name] or 0) for row in rows])
        places = np.arange(len(rows)) + (0 if stacks else (number - (len(numbers) - 1) / 2) * width)
        axes.bar(places, values, width, bottom=bottom, color=_colour_of(one, name, number), label=name)
        bottom = bottom + values if stacks else bottom
    axes.set_xticks(np.arange(len(rows)), labels, rotation=20 if len(rows) > _MOST_COLUMNS else 0)
    _unit(axes, one)
    _legend(axes, len(numbers))


def _map(axes: Axes, one: Answered) -> None:
    """Each layer has the rows of one query, in their order."""
    for layer, rows in zip(one.panel["options"]["layers"], one.frames, strict=True):
        look = layer["config"]["style"]["color"]
        by = look.get("field")
        colours = [colour(one.colour(row[by], by) if by else look["fixed"]) or _PALE for row in rows]
        size = layer["config"]["style"]["size"]["fixed"]
        axes.scatter([row["lon"] for row in rows], [row["lat"] for row in rows], c=colours, s=size)
    axes.set_aspect(1.3)
    axes.set_axis_off()


def _table(axes: Axes, one: Answered) -> None:
    columns = [name for name in one.rows[0] if not one.setting("custom.hidden", name)][:_MOST_COLUMNS]
    rows = one.rows[:_MOST_ROWS]
    texts = [
        [shown(row[name], one.setting("unit", name), one.setting("decimals", name))[:28] for name in columns]
        for row in rows
    ]
    axes.set_axis_off()
    longest = [max(map(len, told)) + 2 for told in zip(columns, *texts, strict=True)]
    high = min(1.0, (len(rows) + 1) * _LINE_IN / (axes.bbox.height / axes.figure.dpi))
    table = axes.table(
        cellText=texts,
        colLabels=columns,
        colWidths=[length / sum(longest) for length in longest],
        bbox=Bbox.from_bounds(-0.02, 1 - high, 1.03, high),
        cellLoc="left",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    for (line, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dde1e4")
        value = rows[line - 1][columns[column]] if line else None
        chosen = one.colour(float(value), columns[column]) if isinstance(value, (int, float)) else None
        if chosen and chosen not in ("green", "text"):
            cell.get_text().set_color(colour(chosen) or INK)


def _times(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def _unit(axes: Axes, one: Answered) -> None:
    unit, decimals = one.setting("unit"), one.setting("decimals")
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, unit, decimals))
    axes.grid(axis="y", color="#e7eaed", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


_KINDS: Final[dict[str, Callable[[Axes, Answered], None]]] = {
    "stat": _stat,
    "gauge": _stat,
    "timeseries": _lines,
    "heatmap": _heat,
    "status-history": _heat,
    "state-timeline": _heat,
    "barchart": _bars,
    "bargauge": _bars,
    "piechart": _bars,
    "geomap": _map,
}
