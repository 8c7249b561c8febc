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
_LOOK: Final[Any] = {"font.size": 6, "text.color": INK, "text.parse_math": False, "axes.edgecolor": "#cfd5da"}


def save(board: Board, answers: Sequence[Answered], file: Path) -> None:
    """A PNG, each panel in its place on Grafana's grid of 24 columns."""
    bottom = max(one.panel["gridPos"]["y"] + one.panel["gridPos"]["h"] for one in answers)
    height = bottom * _ROW_IN + 0.4
    with rc_context(_LOOK):
        figure = Figure(figsize=(_WIDTH_IN, height))
        FigureCanvasAgg(figure)
        figure.text(0.01, 1 - 0.25 / height, board["title"], fontsize=12, weight="bold", va="center")
        for one in answers:
            place = one.panel["gridPos"]
            left, top = place["x"] / _COLUMNS, 1 - (place["y"] * _ROW_IN + 0.4) / height
            figure.text(left + 0.008, top - 0.12 / height, one.title, fontsize=7, weight="bold", va="center")
            if one.kind != "row":
                inner = (
                    left + 0.035,
                    top - (place["h"] * _ROW_IN - 0.25) / height,
                    place["w"] / _COLUMNS - 0.05,
                    (place["h"] * _ROW_IN - 0.5) / height,
                )
                draw(figure.add_axes(inner), one)
        figure.savefig(file, dpi=110, facecolor="white")
