"""`urbanclear spark review`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Column, Table

from spark.options import AsJson, Days, From, To
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from spark.review.coincidence import Coincidence, Review
    from spark.review.days import Day
    from spark.review.observed import Observed

METRES: Final = [50.0, 100.0, 300.0]
MINUTES: Final = [15.0, 30.0, 60.0]
Metres = Annotated[list[float], typer.Option(help="how near a sensor is to an incident; repeatable", min=1)]
Minutes = Annotated[list[float], typer.Option(help="how soon a drop begins after it; repeatable", min=5)]
Pictures = Annotated[Path | None, typer.Option(help="folder for days.png, drops.png and incidents.png")]


def review(
    start: From = None,
    end: To = None,
    days: Days = 28,
    metres: Metres = METRES,
    minutes: Minutes = MINUTES,
    pictures: Pictures = None,
    as_json: AsJson = False,
) -> None:
    """What patterns and anomalies found: day by day, and against incidents and chance. Needs no Spark."""
    from schema.database import database_url
    from spark.calendar import Calendar
    from spark.review.coincidence import Review
    from spark.review.days import by_day
    from spark.review.observed import observed
    from spark.spans import Asked, newest_reading

    settings = get_settings()
    url = database_url(settings)
    calendar = Calendar(settings.time_zone, settings.holidays)
    city = observed(url, Asked.of(start, end, days).span(lambda: newest_reading(url)), calendar)
    reviewed, told = Review(city), [*by_day(city)]
    found = [reviewed.coincidence(near, soon) for near in metres for soon in minutes]
    if pictures is not None:
        _draw(city, reviewed, ZoneInfo(settings.time_zone), metres[0], pictures)
    if as_json:
        said = {"days": [asdict(day) for day in told], "incidents": [asdict(one) for one in found]}
        typer.echo(json.dumps(said, indent=2, default=str))
        return
    for table in (_of_days(told), _of_incidents(found)):
        Console().print(table)


def _draw(city: "Observed", reviewed: "Review", zone: ZoneInfo, metres: float, folder: Path) -> None:
    from spark.review.pictures import draw_all

    try:
        draw_all(city, reviewed, zone, metres, folder)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written ({error.strerror}): say another --pictures.") from error


def _of_days(days: "Sequence[Day]") -> Table:
    table = Table(
        Column("day", no_wrap=True),
        "speed / normal",
        "slow",
        "in a drop",
        "of the slow",
        "drops",
        "sensors",
        "most at once",
    )
    for one in days:
        told = (f"{share:.1%}" for share in (one.slow, one.dropped, one.slow_in_drop))
        counts = (f"{count:,}" for count in (one.drops, one.sensors, one.most_at_once))
        table.add_row(f"{one.day}", f"{one.speed_ratio:.2f}", *told, *counts)
    return table


def _of_incidents(found: "Sequence[Coincidence]") -> Table:
    outcomes = [*found[0].outcomes]
    table = Table("within", "in", "incidents", *outcomes, "met by chance", "at that time")
    for one in found:
        counts = (f"{count:,}" for count in (one.counted, *one.outcomes.values()))
        at_that_time = f"{one.by_chance_at_that_time:.1f} ± {one.spread:.1f}"
        table.add_row(f"{one.metres:g} m", f"{one.minutes:g} min", *counts, f"{one.by_chance:.1f}", at_that_time)
    return table
