"""`urbanclear report …`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from schema.value_of_time import CURRENCY, VALUE_OF_TIME, VEHICLE_OCCUPANCY
from spark.insights.cli import Currency, ValueOfTime, VehicleOccupancy, Week, chosen, computed, days_of
from spark.options import Master
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Reports for people.")


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"


@app.callback()
def reports() -> None:
    """Each command writes one report into a file."""


@app.command()
def weekly(
    week: Week = None,
    out: Annotated[Path | None, typer.Option(help="file to write; by default report.html or report.pdf")] = None,
    format_: Annotated[Format, typer.Option("--format", help="what to write")] = Format.HTML,
    value_of_time: ValueOfTime = VALUE_OF_TIME,
    vehicle_occupancy: VehicleOccupancy = VEHICLE_OCCUPANCY,
    currency: Currency = CURRENCY,
    master: Master = None,
) -> None:
    """Write a week's traffic on one page: its cost, its worst corridors, its incidents and what changed."""
    from schema.database import database_url
    from spark.insights.job import stored
    from spark.report.html import html
    from spark.report.page import page_of
    from spark.report.pdf import pdf

    settings = get_settings()
    parameters = chosen(settings, value_of_time, vehicle_occupancy, currency)
    days = days_of(settings, week)
    insights = stored(database_url(settings), days, parameters) or computed(settings, days, parameters, master)
    file = out or Path(f"report.{format_}")
    page = page_of(insights, days, parameters)
    _write(file, html(page).encode() if format_ is Format.HTML else pdf(page))
    typer.echo(file)


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror}): say another with --out.") from error
