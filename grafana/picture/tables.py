"""Tables: as many rows and columns as the panel has room for, and how many more there are."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from grafana.picture.answers import Answered, Row
from grafana.picture.look import INK, LETTER_IN, PALE, colour, cut, size_in
from grafana.picture.units import shown

_LINE_IN: Final = 0.2
_LONGEST: Final = 60
_LEAST: Final = 12


def draw(axes: Axes, one: Answered) -> None:
    """Columns of words are cut, and left out before those of numbers."""
    axes.set_axis_off()
    wide, tall = size_in(axes)
    lines = max(2, int(tall / _LINE_IN))
    columns = [name for name in one.rows[0] if not one.setting("custom.hidden", name)]
    rows = one.rows if len(one.rows) < lines else one.rows[: lines - 2]
    kept, lengths = _fitting(one, columns, rows, int(wide / LETTER_IN))
    texts = [[cut(_text(one, row, name), lengths[name] - 2) for name in kept] for row in rows]
    heads = [cut(name, lengths[name] - 2) for name in kept]
    high = min(1.0, (len(rows) + 1) * _LINE_IN / tall)
    table = axes.table(
        cellText=texts,
        colLabels=heads,
        colWidths=[lengths[name] / sum(lengths[each] for each in kept) for name in kept],
        bbox=Bbox.from_bounds(-0.02, 1 - high, 1.03, high),
        cellLoc="left",
        colLoc="left",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    for (line, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dde1e4")
        value: Any = rows[line - 1][kept[column]] if line else None
        chosen = one.colour(float(value), kept[column]) if _is_number(value) else None
        if chosen and chosen not in ("green", "text"):
            cell.get_text().set_color(colour(chosen) or INK)
    if left_out := _left_out(len(one.rows) - len(rows), [name for name in columns if name not in kept]):
        axes.text(0, 1 - high - 0.03, left_out, va="top", color=PALE, transform=axes.transAxes)


def _fitting(
    one: Answered, columns: Sequence[str], rows: Sequence[Row], room: int
) -> tuple[list[str], dict[str, int]]:
    """The columns that fit into `room` letters, and how many each of them has."""
    kept = list(columns)
    lengths = {name: max(len(name), *(len(_text(one, row, name)) for row in rows)) + 2 for name in kept}
    lengths = {name: min(length, _LONGEST) for name, length in lengths.items()}
    numbers = {name for name in kept if any(_is_number(row[name]) for row in rows)}
    while sum(lengths[name] for name in kept) > room:
        longest = max(kept, key=lambda name: lengths[name])
        if lengths[longest] > _LEAST:
            lengths[longest] -= 1
        elif len(kept) > 1:
            kept.remove(next((name for name in reversed(kept[1:]) if name not in numbers), kept[-1]))
        else:
            break
    return kept, lengths


def _left_out(rows: int, columns: Sequence[str]) -> str:
    more = [f"… and {rows} more"] if rows else []
    return "; ".join(more + ([f"without {', '.join(columns)}"] if columns else []))


def _text(one: Answered, row: Row, name: str) -> str:
    text = shown(row[name], one.setting("unit", name), one.setting("decimals", name))
    return " ".join(text.split())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
