"""City now: what an operator looks at first."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.board import board, link_to
from grafana.charts import Panel
from grafana.colours import GREEN, ORANGE, RED, age, congestion, steps, travel_time
from grafana.columns import judged, linked, to_corridor, to_sensor
from grafana.maps import HIGH, places
from grafana.panels import FULL, HALF, LOW, lines, number, rows
from grafana.queries import Sql
from schema.los import LEAST_RATIO

_SIXTH: Final = 4


def build() -> Dashboard:
    """The dashboard."""
    dashboard = board(
        "city_now", "City now", "How traffic is at this moment, and where it is slowest.", refresh="30s"
    )
    dashboard = dashboard.with_variable(variables.area())
    for panel in (*_figures(), *_places(), *_problems(), _course()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    for panel in (
        number(
            "Travel time index",
            "Travel time over that at free flow, mean of the sensors that reported within 15 minutes.",
            Sql("city_now/travel_time_index", table=True),
            "none",
        )
        .decimals(2)
        .thresholds(travel_time()),
        number(
            "Congested",
            "Share of the sensors that reported within 15 minutes whose level of service is E or F: below "
            f"{100 * dict(LEAST_RATIO)['D']:.0f} % of free-flow speed.",
            Sql("city_now/congested", table=True),
            "percentunit",
        )
        .decimals(1)
        .thresholds(steps(GREEN, (0.1, ORANGE), (0.25, RED))),
        number(
            "Open incidents",
            "In the whole city, not cleared at this moment.",
            Sql("city_now/open_incidents", table=True),
            "short",
        ).thresholds(steps(GREEN, (1, ORANGE))),
        number(
            "Firing alerts",
            "In the whole city, at this moment: all, and those that nobody has taken on.",
            Sql("city_now/firing", table=True),
            "short",
        ).thresholds(steps(GREEN, (1, RED))),
        number(
            "Age of data",
            "Of the newest good reading. Feeds differ: New York's tells each link every 5 minutes.",
            Sql("city_now/data_age", table=True),
            "s",
        ).thresholds(age()),
        number(
            "Sensors that report",
            "Share of all known sensors with a good reading within 15 minutes.",
            Sql("city_now/reporting", table=True),
            "percentunit",
        )
        .decimals(1)
        .thresholds(steps(RED, (0.8, ORANGE), (0.95, GREEN))),
    ):
        yield panel.span(_SIXTH).height(LOW)


def _places() -> Iterator[Panel]:
    links = places(
        "Links",
        "Every link that reported within 15 minutes, in the colour of its level of service: speed over free-flow "
        "speed; and the open incidents. A click leads to the sensor.",
        Sql("city_now/map", table=True),
        "ratio",
        congestion(),
        size=4,
        marks=[("Incidents", Sql("city_now/incident_places", table=True, ref_id="B"))],
    )
    yield linked(links, "name", "Sensor", link_to("sensor", sensor="${__data.fields.sensor_id}"))
    slowest = rows(
        "Slowest now",
        "The ten sensors that are slowest against their free-flow speed. The name leads to the sensor, the road to "
        "the corridor.",
        Sql("city_now/slowest", table=True),
        {"speed": "velocitykmh", "free flow": "velocitykmh", "ratio": "percentunit"},
    )
    yield to_corridor(to_sensor(judged(slowest, "ratio", congestion()))).span(HALF).height(HIGH)


def _problems() -> Iterator[Panel]:
    incidents = rows(
        "Incidents",
        "Open in the whole city, the most severe first. The kind leads to the first sensor affected.",
        Sql("city_now/incidents", table=True),
        {"lanes blocked": "short"},
    )
    yield to_sensor(judged(incidents, "lanes blocked", steps(ORANGE, (2, RED))), "kind")
    alerts = rows(
        "Alerts",
        "Firing in the whole city, the most urgent first. The name leads to the sensor, where it is one's.",
        Sql("city_now/alerts", table=True),
        {},
    )
    yield to_sensor(alerts)


def _course() -> Panel:
    return lines(
        "Speed by area",
        "Mean of all good readings in 5 minutes, or in an hour where more than eight days are shown.",
        [Sql("city_now/speed_by_area")],
        "velocitykmh",
    ).span(FULL)
