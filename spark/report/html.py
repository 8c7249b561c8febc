"""The report as one HTML file that needs nothing else, and prints on one page of A4."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from spark.report.charts import draw_corridors, draw_days, svg
from spark.report.page import Page


def html(page: Page) -> str:
    """Whatever comes from feeds is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string((files(__package__) / "weekly.html.j2").read_text())
    charts = [
        (series, svg(draw, series) if series.labels else None)
        for series, draw in ((page.by_day, draw_days), (page.corridors, draw_corridors))
    ]
    return template.render(page=page, charts=charts)
