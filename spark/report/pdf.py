"""The report as one A4 page of PDF, drawn by matplotlib, whose text can be searched and copied.

Places are in inches from the page's upper left corner.
"""

from io import BytesIO
from textwrap import wrap
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from spark.report.charts import HEIGHT_IN, INK, NOW, draw_corridors, draw_days, house_style
from spark.report.page import Page
from spark.report.tables import Row, Table
from spark.report.wording import named

WIDTH, HEIGHT = 8.27, 11.69
MARGIN: Final = 0.45
GAP: Final = 0.35
COLUMN: Final = (WIDTH - 2 * MARGIN - GAP) / 2
LINE: Final = 0.165
SIGN: Final = 0.052
"""Mean width of a letter at the size of tables."""

NOTE_LETTERS: Final = 150
CHARTS_AT, TABLES_AT, TABLE_HEIGHT = 2.0, 4.5, 1.45


def pdf(page: Page) -> bytes:
    """The same page as `spark.report.html` makes."""
    written = BytesIO()
    with house_style():
        sheet = Sheet()
        sheet.text(MARGIN, 0.6, page.title, size=15, weight="bold")
        sheet.text(MARGIN, 0.85, page.subtitle, size=8)
        _headlines(sheet, page)
        _charts(sheet, page)
        for number, table in enumerate(page.tables):
            _table(sheet, table, _left(number), TABLES_AT + number // 2 * TABLE_HEIGHT)
        _notes(sheet, page, TABLES_AT + (len(page.tables) + 1) // 2 * TABLE_HEIGHT)
        sheet.figure.savefig(written, format="pdf", metadata={"Title": page.title, "CreationDate": None})
    return written.getvalue()


class Sheet:
    """A page to write on."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH, HEIGHT))

    def text(
        self, x: float, y: float, text: str, *, size: float = 6.5, weight: str = "normal", align: str = "left"
    ) -> None:
        """With its base line at `y`."""
        self.figure.text(x / WIDTH, 1 - y / HEIGHT, text, size=size, weight=weight, ha=align, va="baseline")

    def rule(self, x: float, y: float, width: float, colour: str = "#d5dde4") -> None:
        """A thin line to the right."""
        ends = ([x / WIDTH, (x + width) / WIDTH], [1 - y / HEIGHT] * 2)
        self.figure.add_artist(Line2D(*ends, color=colour, linewidth=0.5))

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Filled; `y` is its upper edge."""
        corner = (x / WIDTH, 1 - (y + height) / HEIGHT)
        self.figure.add_artist(Rectangle(corner, width / WIDTH, height / HEIGHT, color=colour, linewidth=0))

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Room for a chart; `y` is its upper edge."""
        return self.figure.add_axes((x / WIDTH, 1 - (y + height) / HEIGHT, width / WIDTH, height / HEIGHT))


def _left(number: int) -> float:
    """Of what stands in that place, two in a row."""
    return MARGIN + number % 2 * (COLUMN + GAP)


def _headlines(sheet: Sheet, page: Page) -> None:
    width = (WIDTH - 2 * MARGIN) / max(len(page.headlines), 1)
    for number, headline in enumerate(page.headlines):
        x = MARGIN + number * width
        sheet.box(x, 1.02, width - 0.1, 0.72, "#eef3f7")
        sheet.box(x, 1.02, 0.03, 0.72, NOW)
        sheet.text(x + 0.1, 1.18, headline.label)
        sheet.text(x + 0.1, 1.38, headline.value, size=9.5, weight="bold")
        for line, words in enumerate(wrap(headline.change, 24)):
            sheet.text(x + 0.1, 1.53 + line * 0.12, words, size=5.5)


def _charts(sheet: Sheet, page: Page) -> None:
    labels = 1.4  # room for the names of corridors
    for number, series in enumerate((page.by_day, page.corridors)):
        x = _left(number)
        sheet.text(x, CHARTS_AT, series.title, size=8.5, weight="bold")
        if not series.labels:
            sheet.text(x, CHARTS_AT + 2 * LINE, "No delay is known.")
        elif number:
            draw_corridors(sheet.axes(x + labels, CHARTS_AT + 0.4, COLUMN - labels - 0.1, HEIGHT_IN - 0.3), series)
        else:
            draw_days(sheet.axes(x + 0.5, CHARTS_AT + 0.4, COLUMN - 0.5, HEIGHT_IN - 0.3), series)


def _table(sheet: Sheet, table: Table, x: float, y: float) -> None:
    sheet.text(x, y, table.title, size=8.5, weight="bold")
    if not table.rows:
        sheet.text(x, y + LINE, table.empty)
        return
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    for line, row in enumerate((table.columns, *table.rows), 1):
        _row(sheet, row, widths, x, y + 0.02 + line * LINE, weight="normal" if line > 1 else "bold")
        sheet.rule(x, y + 0.07 + line * LINE, COLUMN)


def _row(sheet: Sheet, row: Row, widths: list[int], x: float, y: float, *, weight: str) -> None:
    """Its first cell on the left, as far as there is room; the others on the right."""
    right = x + COLUMN
    for cell, width in [*zip(row, widths, strict=True)][:0:-1]:
        sheet.text(right, y, cell, weight=weight, align="right")
        right -= (width + 1.5) * SIGN
    sheet.text(x, y, named(row[0], int((right - x) / SIGN)), weight=weight)


def _notes(sheet: Sheet, page: Page, y: float) -> None:
    sheet.rule(MARGIN, y - 0.25, WIDTH - 2 * MARGIN, INK)
    sheet.text(MARGIN, y, "What the figures mean", size=8.5, weight="bold")
    lines = [line for term, meaning in page.notes for line in wrap(f"{term}: {meaning}", NOTE_LETTERS)]
    for number, line in enumerate(lines, 1):
        sheet.text(MARGIN, y + 0.03 + number * 0.14, line, size=6)
