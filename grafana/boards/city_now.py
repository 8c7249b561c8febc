"""City now: what an operator looks at first."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana import variables
from grafana.board import board
from grafana.colours import GREEN, ORANGE, RED, steps
from grafana.panels import FULL, QUARTER, lines, number, rows
from grafana.queries import Sql


def build() -> Dashboard:
    """The dashboard."""
    return (
        board("city_now", "City now", "How traffic is at this moment, and where it is slowest.", refresh="30s")
        .with_variable(variables.area())
        .with_panel(
            number(
                "Travel time index",
                "Travel time over that at free flow, mean of the sensors that reported within 15 minutes.",
                Sql("city_now/travel_time_index", table=True),
                "none",
            )
            .decimals(2)
            .thresholds(steps(GREEN, (1.3, ORANGE), (2.0, RED)))
        )
        .with_panel(
            lines(
                "Speed by area",
                "Mean of all good readings in 5 minutes.",
                [Sql("city_now/speed_by_area")],
                "velocitykmh",
            ).span(FULL - QUARTER)
        )
        .with_panel(
            rows(
                "Slowest now",
                "The ten sensors that are slowest against their free-flow speed.",
                Sql("city_now/slowest", table=True),
                {"speed_kmh": "velocitykmh", "free_flow_speed_kmh": "velocitykmh", "speed_ratio": "percentunit"},
            ).span(FULL)
        )
    )
