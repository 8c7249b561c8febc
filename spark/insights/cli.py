"""`urbanclear spark insights`, and the options that the report has in common with it."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from schema.value_of_time import CURRENCY, VALUE_OF_TIME, VEHICLE_OCCUPANCY
from spark.options import AsJson, Master
from urbanclear.settings import Settings, get_settings

if TYPE_CHECKING:
    from schema.days import Days
    from spark.insights.insight import Insight
    from spark.insights.parameters import Parameters

Week = Annotated[
    str | None, typer.Option(help="such as 2026-W10, from Monday to Sunday; by default the last 7 whole days")
]
ValueOfTime = Annotated[float, typer.Option(help="of an hour of one person", min=0)]
VehicleOccupancy = Annotated[float, typer.Option(help="people in a vehicle", min=0.1)]
Currency = Annotated[str, typer.Option(help="of the value of time")]


def insights(
    week: Week = None,
    value_of_time: ValueOfTime = VALUE_OF_TIME,
    vehicle_occupancy: VehicleOccupancy = VEHICLE_OCCUPANCY,
    currency: Currency = CURRENCY,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Tell where a week lost time, what it cost and what changed, into the table insights."""
    settings = get_settings()
    parameters = chosen(settings, value_of_time, vehicle_occupancy, currency)
    found = computed(settings, days_of(settings, week), parameters, master)
    if as_json:
        typer.echo(json.dumps([asdict(insight) for insight in found], indent=2))
        return
    table = Table("kind", "rank", "subject", "value", "before", "unit")
    for insight in found:
        before = "" if insight.before is None else f"{insight.before:,.2f}"
        table.add_row(insight.kind, f"{insight.rank}", insight.subject, f"{insight.value:,.2f}", before, insight.unit)
    Console().print(table, markup=False)


def chosen(settings: Settings, value_of_time: float, vehicle_occupancy: float, currency: str) -> "Parameters":
    """What is asked for, and what the city's settings say."""
    from spark.insights.parameters import Parameters

    return Parameters(settings.time_zone, settings.planning_percentile, value_of_time, vehicle_occupancy, currency)


def days_of(settings: Settings, week: str | None) -> "Days":
    """Those of the week, or the last that are over; raises as `newest_reading` does."""
    from schema.database import database_url
    from schema.days import Days
    from spark.spans import newest_reading

    asked = None if week is None else Days.of_week(week)
    newest = newest_reading(database_url(settings))
    return asked or Days.newest_whole(newest, settings.time_zone)


def computed(settings: Settings, days: "Days", parameters: "Parameters", master: str | None) -> "list[Insight]":
    """The insights of a run that is made now; where there is nothing to read, Spark is not started."""
    from schema.database import database_url
    from spark.insights.job import JOB, require_measures, run
    from spark.progress import progress_bar
    from spark.session import spark_session

    require_measures(database_url(settings), days)
    with (
        progress_bar() as bar,
        spark_session(settings, JOB, master) as session,
        bar.watching(session.sparkContext) as say,
    ):
        return run(session, settings, days, parameters, say)[1]
