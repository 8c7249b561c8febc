"""Draws the last hours of a sensor's speed against what is normal, as PNG."""

import io
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from PIL import Image

from alerting.channels.email.history import History

_INCHES: Final = (7.4, 2.6)
_DPI: Final = 100
_COLOURS: Final = 48


def draw(history: History, time_zone: str, colour: str) -> bytes:
    """PNG; `colour` is that of the speed."""
    zone = ZoneInfo(time_zone)
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    if history.normal:
        times, lower, median, upper = zip(*history.normal, strict=True)
        axes.fill_between(
            times, lower, upper, color="#9fb3c8", alpha=0.45, linewidth=0, label="normal, 10th to 90th %"
        )
        axes.plot(times, median, color="#829ab1", linewidth=1, linestyle="--", label="median")
    moments, speeds = zip(*history.speeds, strict=True)
    axes.plot(moments, speeds, color=colour, linewidth=2, label="speed")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("km/h")
    axes.set_title(history.name.replace("$", r"\$"), fontsize=10, loc="left")
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return _small(canvas)


def _small(canvas: FigureCanvasAgg) -> bytes:
    """As PNG of few colours, a fifth of the size: it goes out with each of maybe thousands of e-mails."""
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(pixels).convert("RGB")
    picture = io.BytesIO()
    drawn.quantize(_COLOURS).save(picture, "png", optimize=True)
    return picture.getvalue()
