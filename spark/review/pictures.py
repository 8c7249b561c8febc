"""The pictures of a review, in the style of the report: the span's days, the day with most drops, and incidents
against chance."""

from datetime import UTC, datetime
from datetime import time as clock
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from spark.anomalies.stretches import LEAST_CHANGE
from spark.calendar import STEP_S
from spark.report.charts import BEFORE, INK, NOW, house_style
from spark.review.coincidence import Review
from spark.review.observed import Observed

WIDTH_IN: Final = 7.5
DOTS_PER_INCH: Final = 110
LAGS: Final = range(-24, 37, 3)  # 5 minutes before and after an incident
_KINDS: Final = ("no speed", "as normal", f"{LEAST_CHANGE:.0%} slower, no drop", "drop")
_COLOURS: Final = ("#ffffff", "#e3eaf0", "#e69f00", NOW)


def draw_all(city: Observed, review: Review, zone: ZoneInfo, metres: float, folder: Path) -> list[Path]:
    """`days.png`, `drops.png` and, where incidents count, `incidents.png`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with house_style():
        figures = {"days": _days(city, zone), "drops": _drops(city, zone)}
        if review.beside(metres, 60):
            figures["incidents"] = _incidents(review, metres)
        files = []
        for name, figure in figures.items():
            files.append(folder / f"{name}.png")
            figure.savefig(files[-1], dpi=DOTS_PER_INCH, metadata={"Software": None})
    return files


def _days(city: Observed, zone: ZoneInfo) -> Figure:
    """Speeds, sensors within a drop, and what fell, through all of the span."""
    figure = Figure(figsize=(WIDTH_IN, 4.2 if city.fallen else 3.2), layout="constrained")
    panels = list(figure.subplots(3 if city.fallen else 2, sharex=True))
    times = [datetime.fromtimestamp(moment.epoch, UTC) for moment in city.moments]
    with np.errstate(invalid="ignore"):
        medians = pd.DataFrame(city.speeds / city.normal).median()
    telling = np.maximum((~np.isnan(city.speeds)).sum(axis=0), 1)
    shares = (city.dropping() & ~np.isnan(city.speeds)).sum(axis=0) / telling
    panels[0].plot(times, medians, color=INK, linewidth=0.8)
    _entitle(panels[0], "Speed over normal, median of the sensors")
    panels[1].fill_between(times, shares * 100, color=NOW, linewidth=0)
    _entitle(panels[1], "Sensors within a drop, % of those that tell a speed")
    if city.fallen:
        hours = [datetime.fromtimestamp(epoch, UTC) for epoch, _ in city.fallen]
        panels[2].bar(hours, [mm for _, mm in city.fallen], width=-1 / 24, align="edge", color=BEFORE)
        _entitle(panels[2], "Rain or melted snow, mm an hour")
    midnights = [datetime.combine(day, clock.min, zone) for day in city.days]
    panels[-1].set_xticks(midnights, [f"{day:%a}\n{day.day} {day:%b}" for day in city.days])
    panels[-1].set_xlim(times[0], times[-1])
    return figure


def _drops(city: Observed, zone: ZoneInfo) -> Figure:
    """A row a sensor on the day with the most drops, the slowest on top: where a drop was found and where not."""
    day = max(city.days, key=lambda day: city.dropping()[:, city.columns_of(day)].sum())
    columns = city.columns_of(day)
    speeds, normal, dropping = (each[:, columns] for each in (city.speeds, city.normal, city.dropping()))
    known = ~np.isnan(speeds) & ~np.isnan(normal)
    slow = known & (np.where(known, speeds, 1) <= (1 - LEAST_CHANGE) * np.where(known, normal, 1))
    kinds = np.where(known & dropping, 3, np.where(slow, 2, np.where(known, 1, 0)))
    rows = np.flatnonzero(known.any(axis=1))
    order = rows[np.lexsort((-slow[rows].sum(axis=1), -dropping[rows].sum(axis=1)))]
    figure = Figure(figsize=(WIDTH_IN, 4.2), layout="constrained")
    axes = figure.add_subplot()
    first, last = ((city.moments[at].epoch - city.moments[columns[0]].epoch) / 3600 for at in columns[[0, -1]])
    extent = (first, last + STEP_S / 3600, len(order), 0)
    axes.imshow(
        kinds[order], aspect="auto", interpolation="nearest", cmap=ListedColormap(_COLOURS), vmin=-0.5, vmax=3.5,
        extent=extent,
    )  # fmt: skip
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel(f"hour of {day} ({zone.key})")
    axes.set_ylabel("sensors")
    keys = [Patch(facecolor=c, edgecolor=INK, linewidth=0.4, label=k) for c, k in zip(_COLOURS, _KINDS, strict=True)]
    axes.legend(handles=keys, ncols=4, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3)
    return figure


def _incidents(review: Review, metres: float) -> Figure:
    """The share of incidents beside which a drop lasts, by the time since they began."""
    found = review.beside(metres, LAGS.stop * STEP_S / 60)
    shares, chances = zip(*(review.dropping(found, lag) for lag in LAGS), strict=True)
    minutes = [lag * STEP_S / 60 for lag in LAGS]
    figure = Figure(figsize=(WIDTH_IN, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(minutes, np.multiply(shares, 100), color=NOW, marker="o", markersize=3, label=f"{len(found)} incidents")
    axes.plot(minutes, np.multiply(chances, 100), color=INK, linestyle="--", label="same time, other days")
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_ylim(0, None)
    axes.set_xticks(range(-120, 181, 30))
    axes.set_xlabel("minutes after it began")
    axes.legend(frameon=False)
    _entitle(axes, f"Incidents with a drop within {metres:.0f} m, %")
    return figure


def _entitle(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
