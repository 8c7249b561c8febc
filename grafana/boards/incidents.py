"""Incidents: what happened, how soon it was told and cleared, and what it cost against normal."""

from collections.abc import Iterator
from typing import Final, get_args

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.board import board
from grafana.charts import VEHICLE_HOURS, Panel, bars, coloured, stacked, states
from grafana.colours import BLUE, GREEN, ORANGE, RED, YELLOW, good_share, steps
from grafana.columns import judged, to_sensor
from grafana.panels import FULL, MIDDLE, lines, number, rows
from grafana.queries import Sql
from schema.events import Severity

COLOURS: Final = dict(zip(get_args(Severity), (BLUE, YELLOW, ORANGE, RED), strict=True))


def build() -> Dashboard:
    """The dashboard."""
    dashboard = board("incidents", "Incidents", "What happened, how soon it was told, what it cost.", since="now-7d")
    dashboard = dashboard.with_variable(variables.incident_area()).with_variable(variables.severity())
    for panel in (*_figures(), *_course(), *_response(), *_impact(), _newest()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    yield number(
        "Open now",
        "Incidents that are not cleared at this moment, whatever the time shown.",
        Sql("incidents/open_now", table=True),
        "short",
    ).thresholds(steps(BLUE))
    yield number(
        "Told within 5 minutes",
        "Of the incidents that began in the time shown, the share whose source told them at most 5 minutes after "
        "their start: the time of the first update against that of the start. A source that knows no start says the "
        "time at which it told. Good is 95 %.",
        Sql("incidents/told_share", table=True),
        "percentunit",
    ).thresholds(steps(RED, (0.8, ORANGE), (0.95, GREEN)))
    yield number(
        "Time to clear",
        "From start to clearing: the median of the incidents that began in the time shown and are cleared.",
        Sql("incidents/clearing", table=True),
        "s",
    ).thresholds(steps(BLUE))
    yield number(
        "Delay",
        "Hours that all vehicles lost against the normal of the same hours, from each incident's start until half "
        "an hour after it was cleared. Incidents without a known normal, or where no vehicles are counted, are left "
        "out.",
        Sql("incidents/delay", table=True),
        VEHICLE_HOURS,
    ).thresholds(steps(BLUE))


def _course() -> Iterator[Panel]:
    yield states(
        "Timeline",
        "At most 20 incidents: those that are open, then the most severe, then the newest. A bar lasts from start to "
        "clearing, to a two-hundredth of the time shown.",
        Sql("incidents/timeline"),
        dict(enumerate(COLOURS.items(), 1)),
    )
    open_ones = lines(
        "Open by severity",
        "Incidents that had begun and were not cleared, at each moment.",
        [Sql("incidents/open_over_time")],
        "short",
    )
    yield coloured(stacked(open_ones), COLOURS)
    kinds = bars(
        "Begun by kind and severity",
        "Incidents that began in the time shown.",
        Sql("incidents/by_kind", table=True),
        "short",
        stack=True,
    )
    yield coloured(kinds, COLOURS)


def _response() -> Iterator[Panel]:
    table = rows(
        "Response",
        "From an incident's start until its source told it, until the first alert about it fired, until somebody "
        "took that alert on, and until it was cleared: how many got so far, the median, what nine in ten do not "
        "exceed, and the share within 5 minutes but for clearing. The first three say how long people and systems "
        "took to know; when crews were on the spot is not in the data.",
        Sql("incidents/response", table=True),
        {"median": "s", "nine in ten": "s", "within 5 minutes": "percentunit"},
    )
    yield judged(table, "within 5 minutes", steps(RED, (0.8, ORANGE), (0.95, GREEN))).height(MIDDLE)
    yield lines(
        "Response by day",
        "Medians of the incidents that began on a day of the city: until their source told them, and until they were "
        "cleared.",
        [Sql("incidents/response_by_day")],
        "s",
    )


def _impact() -> Iterator[Panel]:
    yield (
        rows(
            "Impact by kind",
            "Against the normal of the same hours in the 28 days before, from the start until half an hour after "
            "clearing. Incidents without a known normal are counted, and are in no sum.",
            Sql("incidents/impact_by_kind", table=True),
            {
                "median duration": "m",
                "speed / normal": "percentunit",
                "vehicle hours": VEHICLE_HOURS,
                "median delay": "s",
            },
        )
        .span(FULL)
        .height(MIDDLE)
    )
    costliest = rows(
        "The costliest",
        "The 20 incidents that cost the most, by the hours all vehicles lost, else by the seconds one vehicle lost "
        "on all the sensors affected. The kind leads to the first of these sensors.",
        Sql("incidents/impact", table=True),
        {
            "duration": "m",
            "normal speed": "velocitykmh",
            "mean speed": "velocitykmh",
            "least speed": "velocitykmh",
            "vehicle hours": VEHICLE_HOURS,
            "delay of a vehicle": "s",
            "good data": "percentunit",
        },
    )
    yield to_sensor(judged(costliest, "good data", good_share()), "kind").span(FULL)


def _newest() -> Panel:
    newest = rows(
        "The newest",
        "The 100 that began last in the time shown. The kind leads to the first sensor affected.",
        Sql("incidents/newest", table=True),
        {"lasted": "s"},
    )
    return to_sensor(newest, "kind").span(FULL)
