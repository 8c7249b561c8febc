"""Draws the last hours of a sensor's speed against what is normal, as PNG."""

import io
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from PIL import Image

from alerting.channels.email.history import History

_INCHES: Final = (7.4, 2.6)
_DPI: Final = 100
_COLOURS: Final = 48
_BOUND: Final = "#3e4c59"


def draw(history: History, time_zone: str, colour: str) -> bytes:
    """PNG; `colour` is that of the speed."""
    zone = ZoneInfo(time_zone)
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    _draw_normal(axes, history)
    moments, speeds = zip(*history.speeds, strict=True)
    axes.plot(moments, speeds, color=colour, linewidth=2, label="speed")
    if history.bound is not None:
        axes.axhline(history.bound, color=_BOUND, linewidth=0.8, linestyle=":", label="bound of the rule")
    axes.set_ylim(0, top(history))
    axes.set_ylabel("km/h")
    axes.set_title(history.name.replace("$", r"\$"), fontsize=10, loc="left")
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return _small(canvas)


def top(history: History) -> float:
    """Up to where the axis of speeds reaches: some way above all that is drawn."""
    normal = [upper for _, _, _, upper in history.normal]
    return 1.1 * max(1.0, *(speed for _, speed in history.speeds), *normal, history.bound or 0.0)


def _draw_normal(axes: Axes, history: History) -> None:
    """What is normal, named in the legend only where there is something to see."""
    if len(history.normal) < 2:
        return
    times, lower, median, upper = zip(*history.normal, strict=True)
    if lower != upper:
        label = "normal, 10th to 90th %"
        axes.fill_between(times, lower, upper, color="#9fb3c8", alpha=0.45, linewidth=0, label=label)
    axes.plot(times, median, color="#829ab1", linewidth=1, linestyle="--", label="normal, median")


def _small(canvas: FigureCanvasAgg) -> bytes:
    """As PNG of few colours, a fifth of the size: it goes out with each of maybe thousands of e-mails."""
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(pixels).convert("RGB")
    picture = io.BytesIO()
    drawn.quantize(_COLOURS).save(picture, "png", optimize=True)
    return picture.getvalue()
