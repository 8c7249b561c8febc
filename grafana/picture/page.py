"""A whole dashboard as one picture."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grafana.picture.answers import Answered, Answers
from grafana.picture.heat import KINDS as NAMED_ROWS
from grafana.picture.heat import names_in
from grafana.picture.kinds import draw
from grafana.picture.lines import scales_in
from grafana.picture.look import INK, PALE
from urbanclear.errors import ConfigurationError

_COLUMNS: Final = 24
_WIDTH_IN: Final = 14.0
_ROW_IN: Final = 0.36
_HEAD_IN: Final = 0.62
_SCALE_IN: Final = 0.6  # for the numbers of an axis
_MOST_TOLD: Final = 5
LOOK: Final[Any] = {"font.size": 6, "text.color": INK, "text.parse_math": False, "axes.edgecolor": "#cfd5da"}


def require_writable(file: Path) -> None:
    """Raises `ConfigurationError` where no picture can be written to `file`: before it is drawn."""
    known = FigureCanvasAgg.get_supported_filetypes()
    if file.suffix.removeprefix(".").lower() not in known:
        raise ConfigurationError(
            f"{file} cannot be written: give it one of the endings {', '.join(f'.{ending}' for ending in known)}."
        )
    if file.is_dir():
        raise ConfigurationError(f"{file} cannot be written: Is a directory.")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file} cannot be written: there is no folder {file.parent}, make it first.")


def save(answers: Answers, file: Path) -> None:
    """Write the picture, as what the ending of `file` says."""
    with rc_context(LOOK):
        figure = drawn(answers)
        try:
            figure.savefig(file, dpi=110, facecolor="white")
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from error


def drawn(answers: Answers) -> Figure:
    """Each panel in its place on Grafana's grid of 24 columns."""
    bottom = max(one.panel["gridPos"]["y"] + one.panel["gridPos"]["h"] for one in answers.panels)
    height = bottom * _ROW_IN + _HEAD_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    FigureCanvasAgg(figure)
    figure.text(0.01, 1 - 0.22 / height, answers.board["title"], fontsize=12, weight="bold", va="center")
    figure.text(0.01, 1 - 0.45 / height, what_is_shown(answers), fontsize=7, color=PALE, va="center")
    for one in answers.panels:
        place = one.panel["gridPos"]
        left, top = place["x"] / _COLUMNS, 1 - (place["y"] * _ROW_IN + _HEAD_IN) / height
        figure.text(left + 0.008, top - 0.12 / height, one.title, fontsize=7, weight="bold", va="center")
        if one.kind != "row":
            tall = place["h"] * _ROW_IN
            before, behind = (inches / _WIDTH_IN for inches in _beside(one))
            size = place["w"] / _COLUMNS - before - behind - 0.015, (tall - 0.65) / height
            draw(figure.add_axes((left + before, top - (tall - 0.38) / height, *size)), one)
    return figure


def _beside(one: Answered) -> tuple[float, float]:
    """Inches that are left for what stands before the axes, and behind them."""
    if one.kind in NAMED_ROWS:
        return max(_SCALE_IN, names_in(one)), 0
    if one.kind == "timeseries":
        before, behind = scales_in(one)
        return max(_SCALE_IN, before), behind
    return _SCALE_IN, 0


def what_is_shown(answers: Answers) -> str:
    """The time, and what is chosen: `28 Nov 2026 15:00 to 29 Nov 2026 15:00 UTC · Road: FDR Drive N`."""
    time = f"{_time(answers.shown.start)} to {_time(answers.shown.end)} UTC"
    chosen = [f"{label}: {_few(texts)}" for label, texts in answers.told.items()]
    return " · ".join([time, *chosen])


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%d %b %Y %H:%M}"


def _few(texts: list[str]) -> str:
    more = f" and {len(texts) - _MOST_TOLD} more" if len(texts) > _MOST_TOLD else ""
    return (", ".join(texts[:_MOST_TOLD]) or "none") + more
