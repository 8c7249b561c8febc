"""Sensor: one place, what it measures against what is normal and what was forecast, and how far it can be trusted."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import variables
from grafana.bands import banded
from grafana.board import board, marks
from grafana.charts import Panel, coloured
from grafana.colours import BLUE, GREEN, ORANGE, PURPLE, RED, age, congestion, good_share, steps
from grafana.columns import to_corridor
from grafana.panels import FULL, LOW, MIDDLE, TALL, lines, number, rows
from grafana.queries import Sql

_SIXTH: Final = 4


def build() -> Dashboard:
    """The dashboard."""
    about = "One place: its speed against what is normal and what was forecast, and how far it can be trusted."
    dashboard = board("sensor", "Sensor", about, until="now+1h")
    for variable in (variables.area(), variables.sensor(), variables.horizon()):
        dashboard = dashboard.with_variable(variable)
    dashboard = dashboard.annotation(marks("Anomalies", "sensor/anomalies", ORANGE))
    dashboard = dashboard.annotation(marks("Incidents", "sensor/incidents", RED))
    for panel in (*_figures(), *_course(), *_tables()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    for title, description, query, unit, thresholds in (
        ("Speed", "In the newest good reading.", "speed_now", "velocitykmh", steps(BLUE)),
        ("Of free flow", "The newest speed over free-flow speed.", "ratio", "percentunit", congestion()),
        ("Age of data", "Of the newest good reading.", "age", "s", age()),
        (
            "Reporting",
            "Share of the last 24 hours of the data in which it reported, as *Data quality* counts it.",
            "reporting",
            "percentunit",
            good_share(),
        ),
        (
            "Good readings",
            "Share without a flag, of the last 24 hours of the data.",
            "good",
            "percentunit",
            good_share(),
        ),
        (
            "Stuck hours",
            "Hours of the last 24 in which at least 6 speeds are all the same.",
            "stuck_hours",
            "short",
            steps(GREEN, (1, RED)),
        ),
    ):
        panel = number(title, description, Sql(f"sensor/{query}", table=True), unit)
        yield panel.thresholds(thresholds).span(_SIXTH).height(LOW)


def _course() -> Iterator[Panel]:
    speed = lines(
        "Speed",
        "Means of 5 minutes, or of an hour where more than eight days are shown. Normal is the median, its band "
        "from the 10th to the 90th percentile, of that quarter of an hour on that kind of day; public holidays are "
        "shown with the normal of their weekday. The forecast is what was predicted so many minutes before as are "
        "chosen above, its band is meant to hold nine in ten. Anomalies and incidents are marked.",
        [Sql("sensor/speed"), Sql("sensor/normal", ref_id="B"), Sql("sensor/forecast", ref_id="C")],
        "velocitykmh",
    )
    speed = banded(banded(coloured(speed, {"speed": BLUE}), "normal", GREEN), "forecast", PURPLE, dashes=True)
    yield speed.min(0).span(FULL).height(TALL)
    flow = lines(
        "Volume and occupancy",
        "Vehicles per hour, and the share of time that a vehicle covers the detector, where they are measured.",
        [Sql("sensor/flow")],
        "short",
    )
    right = [DynamicConfigValue("unit", "percentunit"), DynamicConfigValue("custom.axisPlacement", "right")]
    yield flow.override_by_name("occupancy", right).override_by_name(
        "volume", [DynamicConfigValue("unit", "suffix: veh/h")]
    )


def _tables() -> Iterator[Panel]:
    yield rows(
        "Alerts",
        "Those about this sensor that fired in the time shown, or lasted into it.",
        Sql("sensor/alerts", table=True),
        {},
    ).height(MIDDLE)
    about = rows(
        "About",
        "What is known of the sensor. The road leads to its corridor.",
        Sql("sensor/about", table=True),
        {"length": "lengthm", "lanes": "short"},
    )
    yield to_corridor(about).span(FULL).height(LOW)
