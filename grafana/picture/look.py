"""Colours, axes and notes that all kinds of panels have in common."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, MultipleLocator

from grafana.picture.answers import Answered
from grafana.picture.units import labels, shown

INK: Final = "#1c2733"
PALE: Final = "#6d757b"
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
PALETTE: Final = ("#3274d9", "#56a64b", "#ff780a", "#a352cc", "#e02f44", "#f2cc0c", "#1ca9a9", "#8f3bb8")
_MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10_080)
_MOST_TICKS: Final = 8
LETTER_IN: Final = 0.055  # about as wide as one is


def colour(name: str | None) -> str | None:
    """What matplotlib takes, of a name such as `semi-dark-red`."""
    if name is None or name.startswith("#"):
        return name
    return _NAMED.get(name.rsplit("-", 1)[-1], INK)


def colour_of(one: Answered, name: str, number: int) -> str:
    """Of the series `name`, the `number`-th of its panel."""
    fixed = colour((one.setting("color", name) or {}).get("fixedColor"))
    return fixed or PALETTE[number % len(PALETTE)]


def size_in(axes: Axes) -> tuple[float, float]:
    """Width and height of the axes in inches."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101
    width, height = figure.get_size_inches()
    place = axes.get_position()
    return float(place.width * width), float(place.height * height)


def width_in(texts: Iterable[str]) -> float:
    """Inches that texts before or behind the axes need, at the most, with their ticks."""
    return 0.15 + LETTER_IN * max(map(len, texts), default=0)


def cut(text: str, letters: int) -> str:
    """`text`, with its end left out where it is longer."""
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def note(axes: Axes, text: str) -> None:
    """Above the axes, on their right: what is not drawn."""
    axes.text(1, 1.01, text, ha="right", va="bottom", color=PALE, transform=axes.transAxes)


def times(axes: Axes, one: Answered) -> None:
    """The whole of the time shown, whatever of it there are data of."""
    locator = mdates.AutoDateLocator(maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    start, end = mdates.date2num([one.shown.start, one.shown.end])  # type: ignore[no-untyped-call]
    axes.set_xlim(start, end)


class _Labels(Formatter):
    def __init__(self, unit: str | None, decimals: int | None) -> None:
        self._unit, self._decimals = unit, decimals

    def __call__(self, value: float, pos: int | None = None) -> str:
        return shown(value, self._unit, self._decimals)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return labels(list(values), self._unit, self._decimals)


def unit(axes: Axes, one: Answered, name: str = "") -> None:
    """Of the vertical axis: that of the series `name`, else the panel's."""
    formatter: Any = _Labels(one.setting("unit", name), one.setting("decimals", name))
    axes.yaxis.set_major_formatter(formatter)
    axes.grid(axis="y", color="#e7eaed", linewidth=0.5)
    axes.set_ylim(one.setting("min", name), one.setting("max", name))
    if one.setting("unit", name) == "s":
        _whole_minutes(axes)
    axes.set_axisbelow(True)
    axes.spines["top"].set_visible(False)
    axes.spines["right"].set_visible(False)


def _whole_minutes(axes: Axes) -> None:
    """Ticks at them, where so many seconds are shown that people count in minutes."""
    bottom, top = axes.get_ylim()
    fitting = (minutes for minutes in _MINUTES if (top - bottom) / (60 * minutes) <= _MOST_TICKS)
    if top - bottom > 3 * 60 and (minutes := next(fitting, None)):
        axes.yaxis.set_major_locator(MultipleLocator(60 * minutes))
