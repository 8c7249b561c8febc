"""Corridor: a road in one direction, where it is slow and how long it takes."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.bands import banded
from grafana.board import board
from grafana.charts import VEHICLE_HOURS, Panel, coloured, courses
from grafana.colours import BLUE, GREEN, ORANGE, PURPLE, RED, age, congestion, steps, travel_time
from grafana.columns import judged, to_sensor
from grafana.panels import TALL, THIRD, lines, number, rows
from grafana.queries import Sql

_FINEST: Final = "5m"


def build() -> Dashboard:
    """The dashboard."""
    about = "A road in one direction: where queues are, how long the whole of it takes, and what is normal."
    dashboard = board("corridor", "Corridor", about, until="now+1h").with_variable(variables.road())
    for panel in (*_figures(), _scan(), *_course(), *_places()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    for title, description, query, unit, thresholds in (
        ("Travel time", "From end to end, in the newest 5 minutes.", "travel_time_now", "s", steps(BLUE)),
        (
            "Travel time index",
            "Travel time over that at free flow, in the newest 5 minutes.",
            "index_now",
            "none",
            travel_time(),
        ),
        (
            "Length with data",
            "Share of the corridor's length whose links reported; the others take their pace.",
            "with_data",
            "percentunit",
            steps(RED, (0.5, ORANGE), (0.8, GREEN)),
        ),
    ):
        yield (
            number(title, description, Sql(f"corridor/{query}", table=True), unit).thresholds(thresholds).span(THIRD)
        )


def _scan() -> Panel:
    return (
        courses(
            "Where and when",
            "Each link in the direction of travel, from the top, in the colour of its level of service: speed over "
            "free-flow speed. A queue grows upwards from its bottleneck. Of more than eight days the first 5 "
            "minutes of each hour are shown, here and below.",
            Sql("corridor/scan"),
            congestion(),
        )
        .unit("percentunit")
        .interval(_FINEST)
    )


def _course() -> Iterator[Panel]:
    times = lines(
        "Travel time",
        "From end to end, against what is normal at that quarter of an hour of that kind of day, and as forecast "
        "for the next hour. The band is what it takes if all links are as fast, or as slow, as on one day in ten. "
        "Public holidays are shown with the normal of their weekday.",
        [Sql("corridor/travel_time"), Sql("corridor/normal", ref_id="B"), Sql("corridor/forecast", ref_id="C")],
        "s",
    )
    times = banded(times, "normal", GREEN)
    yield coloured(times, {"measured": BLUE, "forecast": PURPLE}).interval(_FINEST).height(TALL)
    index = lines(
        "Travel time index",
        "Travel time over that at free flow.",
        [Sql("corridor/index")],
        "none",
    )
    yield index.decimals(2).thresholds(travel_time()).interval(_FINEST).height(TALL)


def _places() -> Iterator[Panel]:
    bottlenecks = rows(
        "Bottlenecks",
        "Where queues began in the time shown, the costliest first: how long the bottleneck was active, and how far"
        " the queue reached upstream. Known of whole days; of today what has been computed so far.",
        Sql("corridor/bottlenecks", table=True),
        {
            "active": "m",
            "mean queue": "lengthm",
            "longest queue": "lengthm",
            "delay": VEHICLE_HOURS,
            "delay of a vehicle": "s",
        },
    )
    yield to_sensor(bottlenecks)
    links = rows(
        "Links now",
        "The slowest against its free-flow speed first.",
        Sql("corridor/links", table=True),
        {"speed": "velocitykmh", "free flow": "velocitykmh", "ratio": "percentunit", "age": "s"},
    )
    yield to_sensor(judged(judged(links, "ratio", congestion()), "age", age()))
