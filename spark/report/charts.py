"""The report's charts, drawn by matplotlib: on a PDF page as they are, on a web page as SVG whose text stays text."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from re import findall
from typing import Any, Final
from xml.etree import ElementTree

import matplotlib as mpl
from defusedxml.ElementTree import fromstring
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spark.report.page import Series
from spark.report.wording import UNKNOWN, amount

INK: Final = "#1c2733"
NOW: Final = "#1f5a85"
BEFORE: Final = "#aebfcd"
WIDTH_IN, HEIGHT_IN = 3.75, 1.9
_SVG: Final = "http://www.w3.org/2000/svg"
_LOOK: Final[Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,  # a dollar sign in a feed's name is a dollar sign
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


@contextmanager
def house_style() -> Iterator[None]:
    """To be drawn and saved within; a script that the font lacks is no reason to fail."""
    with mpl.rc_context(_LOOK), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def draw_days(axes: Axes, series: Series) -> None:
    """A bar a day, beside that of the week before."""
    places = range(len(series.labels))
    axes.bar([place - 0.2 for place in places], _heights(series.before), 0.4, label="the week before", color=BEFORE)
    axes.bar([place + 0.2 for place in places], _heights(series.now), 0.4, label="this week", color=NOW)
    axes.set_xticks([*places], series.labels)
    axes.yaxis.set_major_formatter(lambda value, _: amount(value) if value else "0")
    _finish(axes, series)


def draw_corridors(axes: Axes, series: Series) -> None:
    """A bar a corridor, longest on top, with its value at its end."""
    places = range(len(series.labels))
    axes.barh([place + 0.2 for place in places], _heights(series.before), 0.4, label="the week before", color=BEFORE)
    bars = axes.barh([place - 0.2 for place in places], _heights(series.now), 0.4, label="this week", color=NOW)
    axes.bar_label(bars, [UNKNOWN if value is None else amount(value) for value in series.now], padding=2)
    axes.set_yticks([*places], series.labels)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    _finish(axes, series)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def svg(draw: Callable[[Axes, Series], None], series: Series) -> Markup:
    """The chart for a page of HTML, with what it says in words for those who do not see it."""
    drawn = BytesIO()
    with house_style(), mpl.rc_context({"svg.hashsalt": series.title}):
        picture = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        draw(picture.add_subplot(), series)
        picture.savefig(drawn, format="svg", transparent=True)
    return _inline(drawn.getvalue().decode(), series)


def _heights(values: Sequence[float | None]) -> list[float]:
    return [value or 0 for value in values]


def _finish(axes: Axes, series: Series) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    title = axes.legend(
        title=series.unit, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0
    ).get_title()
    title.set_fontsize(7)


def _inline(text: str, series: Series) -> Markup:
    """Without what only a file of its own needs, and without ids that a second chart would have as well."""
    root = fromstring(text)
    referred = set(findall(r"#([\w-]+)", text))
    for element in root.iter():
        if element.get("id") not in referred:
            element.attrib.pop("id", None)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    root.set("role", "img")
    root.set("aria-label", f"{series.title}, {series.unit}: {series.description}")
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704
