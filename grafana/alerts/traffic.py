"""What people on the road are in: for a site that has no rules of Urbanclear's own alerting."""

from typing import Final

from grafana.alerts.rule import TRAFFIC, Rule, Severity, above

CITY_SLOW_TTI: Final = 2.0

RULES: Final = (
    Rule(
        "city-slow",
        "Traffic is slow all over the city",
        TRAFFIC,
        "travel_time_index",
        above(CITY_SLOW_TTI),
        "15m",
        Severity.CRITICAL,
        'Trips take {{ printf "%.1f" $values.A.Value }} times as long as when roads are free',
        f"The mean travel time index of the sensors that report is above {CITY_SLOW_TTI:g}.",
    ),
)
