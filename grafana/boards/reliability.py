"""Reliability and what delay costs, for those who answer for a city's traffic; prints on a few pages."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.board import board, link_to
from grafana.charts import VEHICLE_HOURS, Panel, bars, by_day, stacked, words
from grafana.colours import BLUE, GREEN, RED, TEXT, good_share, planning_time, steps, travel_time
from grafana.columns import judged, linked, rounded
from grafana.panels import FULL, HALF, THIRD, lines, number, rows
from grafana.queries import Sql
from schema.value_of_time import GUIDANCE

TEN_ROWS: Final = 12
FEW_ROWS: Final = 8
CORRIDOR: Final = link_to("corridor", road="${__data.fields.corridor:percentencode}")
COST: Final = (
    "Cost is delay times the people in a vehicle times the value of an hour of one person, as chosen above; by "
    "default "
    f"both are those of {GUIDANCE}, in dollars of 2023."
)
INDEXES: Final = "Each is the median of all sensors and days, since percentiles cannot be averaged."
MEANING: Final = """\
As in FHWA, *Travel Time Reliability: Making It There On Time, All The Time* (2006):

| index | what it is |
| --- | --- |
| travel time index | mean travel time over that at free flow: at 1.3 a trip of 20 minutes takes 26 |
| planning time index | the time to allow to be late once in twenty trips, over that at free flow |
| buffer index | what to add to the mean time for that, as a share of the mean |

Another share than once in twenty can be chosen (`URBANCLEAR_PLANNING_PERCENTILE`). *Delay* is the hours that all
counted vehicles lost against the reference speed.
"""


def build() -> Dashboard:
    """The dashboard."""
    title = "Reliability and delay"
    description = "How far travel times can be relied on, what delay costs, and how both change."
    dashboard = board("reliability", title, description, since="now-30d", refresh="15m")
    for variable in (variables.area(), variables.period()):
        dashboard = dashboard.with_variable(variable)
    for amount in variables.cost():
        dashboard = dashboard.with_variable(amount)
    for panel in (*_figures(), *_months(), *_days(), *_roads()):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _figures() -> Iterator[Panel]:
    indexes = number("Indexes", f"Of the chosen periods. {INDEXES}", Sql("reliability/indexes", table=True), "none")
    indexes = judged(indexes, "travel time index", travel_time())
    indexes = judged(indexes, "planning time index", planning_time())
    yield indexes.thresholds(steps(BLUE)).decimals(2).span(HALF)
    lost = number(
        "Delay in vehicle hours, and its cost in ${currency}",
        f"Of all hours of the day. {COST}",
        Sql("reliability/lost", table=True),
        "short",
    )
    yield lost.thresholds(steps(BLUE)).span(THIRD)
    good = number(
        "Good data",
        "Share of the readings behind the indexes that are good; from 90 % on data count as healthy.",
        Sql("reliability/good", table=True),
        "percentunit",
    )
    yield good.thresholds(good_share()).span(FULL - HALF - THIRD)


def _months() -> Iterator[Panel]:
    months = rows(
        "Month on month",
        "The month of the newest day, so far, against the whole month before, whatever the time shown. Indexes are "
        f"of the chosen periods; delay and cost are of all hours, a day. {INDEXES} {COST}",
        Sql("reliability/months", table=True),
        {"change": "percentunit"},
    )
    yield judged(
        rounded(months, 2, "month before", "this month"), "change", steps(GREEN, (-0.05, TEXT), (0.05, RED))
    ).height(FEW_ROWS)
    yield words("What the indexes mean", MEANING).height(FEW_ROWS)


def _days() -> Iterator[Panel]:
    yield lines(
        "Indexes by day",
        f"Days of the city. {INDEXES}",
        [Sql("reliability/indexes_by_day")],
        "none",
    ).decimals(2)
    delay = lines(
        "Delay by day",
        "Hours that all counted vehicles lost on a day of the city, by area.",
        [Sql("reliability/delay_by_day")],
        VEHICLE_HOURS,
    )
    yield stacked(by_day(delay))
    yield (
        bars(
            "Indexes by period of the day",
            f"All periods: weekdays 6-10, 10-16 and 16-20 h, weekends 6-20 h, and nights. {INDEXES}",
            Sql("reliability/by_period", table=True),
            "none",
        )
        .decimals(2)
        .span(FULL)
    )


def _roads() -> Iterator[Panel]:
    reliability = rows(
        "Least reliable roads",
        f"The ten roads with the highest planning time index in the chosen periods. {INDEXES}",
        Sql("reliability/roads_by_reliability", table=True),
        {"buffer index": "percentunit", "good data": "percentunit"},
    )
    reliability = rounded(reliability, 2, "planning time index", "travel time index")
    reliability = judged(reliability, "planning time index", planning_time())
    reliability = judged(reliability, "travel time index", travel_time())
    reliability = judged(reliability, "good data", good_share())
    yield linked(reliability, "corridor", "Corridor", CORRIDOR).height(TEN_ROWS)
    delay = rows(
        "Roads with the most delay",
        "The ten roads on which the most vehicle hours were lost; where no vehicles are counted, the most seconds "
        f"by one vehicle along the whole road. {COST}",
        Sql("reliability/roads_by_delay", table=True),
        {"vehicle hours": VEHICLE_HOURS, "cost": "short", "lost per km": "s", "delay of a vehicle": "s"},
    )
    yield linked(delay, "corridor", "Corridor", CORRIDOR).height(TEN_ROWS)
