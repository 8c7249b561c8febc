"""A whole dashboard as one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grafana.asked import Board
from grafana.picture.answers import Answered
from grafana.picture.kinds import INK, draw

_COLUMNS: Final = 24
_WIDTH_IN: Final = 14.0
_ROW_IN: Final = 0.36
_HEAD_IN: Final = 0.4
_NAMED_ROWS: Final = ("heatmap", "state-timeline", "status-history")
_LOOK: Final[Any] = {"font.size": 6, "text.color": INK, "text.parse_math": False, "axes.edgecolor": "#cfd5da"}


def save(board: Board, answers: Sequence[Answered], file: Path) -> None:
    """Write the picture as a PNG."""
    with rc_context(_LOOK):
        drawn(board, answers).savefig(file, dpi=110, facecolor="white")


def drawn(board: Board, answers: Sequence[Answered]) -> Figure:
    """Each panel in its place on Grafana's grid of 24 columns."""
    bottom = max(one.panel["gridPos"]["y"] + one.panel["gridPos"]["h"] for one in answers)
    height = bottom * _ROW_IN + _HEAD_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    FigureCanvasAgg(figure)
    figure.text(0.01, 1 - 0.25 / height, board["title"], fontsize=12, weight="bold", va="center")
    for one in answers:
        place = one.panel["gridPos"]
        left, top = place["x"] / _COLUMNS, 1 - (place["y"] * _ROW_IN + _HEAD_IN) / height
        figure.text(left + 0.008, top - 0.12 / height, one.title, fontsize=7, weight="bold", va="center")
        if one.kind != "row":
            tall = place["h"] * _ROW_IN
            names = 0.08 if one.kind in _NAMED_ROWS else 0.042
            size = place["w"] / _COLUMNS - names - 0.015, (tall - 0.65) / height
            draw(figure.add_axes((left + names, top - (tall - 0.38) / height, *size)), one)
    return figure
