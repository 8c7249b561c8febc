"""What can be chosen above a dashboard; in SQL `${area:sqlstring}`, which quotes and escapes it."""

from collections.abc import Sequence
from typing import Final, get_args

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from grafana.names import POSTGRES
from grafana.queries import sql_of
from schema.events import Severity
from schema.value_of_time import CURRENCY, VALUE_OF_TIME, VEHICLE_OCCUPANCY

HORIZONS: Final = ("5", "15", "30", "60")
PERIODS: Final = ("am peak", "midday", "pm peak", "weekend", "overnight")


def area() -> QueryVariable:
    """Parts of the city, several at once; `area IN (${area:sqlstring})`. A sensor without one is of the area ''."""
    return _chosen("area", "Area", "variables/area").multi(True).include_all(True)


def incident_area() -> QueryVariable:
    """Parts of the city as incidents call them, which their sources may do otherwise than those of sensors."""
    return _chosen("area", "Area", "variables/incident_area").multi(True).include_all(True)


def severity() -> CustomVariable:
    """Of incidents, several at once."""
    return (
        CustomVariable("severity")
        .label("Severity")
        .values(",".join(get_args(Severity)))
        .multi(True)
        .include_all(True)
    )


def period() -> CustomVariable:
    """Of the day, as `reliability_daily` has them, several at once."""
    return _one_of("period", "Period", PERIODS).multi(True).include_all(True)


def cost() -> tuple[TextBoxVariable, TextBoxVariable, TextBoxVariable]:
    """What turns vehicle hours into money: numbers, and the currency's name for titles."""
    value = TextBoxVariable("value_of_time").label("Value of an hour").default_value(f"{VALUE_OF_TIME:.2f}")
    people = TextBoxVariable("occupancy").label("People in a vehicle").default_value(f"{VEHICLE_OCCUPANCY}")
    return value, people, TextBoxVariable("currency").label("Currency").default_value(CURRENCY)


def subject_kind() -> CustomVariable:
    """What a normal day is known of."""
    return _one_of("subject_kind", "Normal day of", ("area", "road", "sensor"))


def subject() -> QueryVariable:
    """One of the chosen kind, as `profiles` has it."""
    return _chosen("subject", "Subject", "variables/subject")


def road() -> QueryVariable:
    """Roads with their direction, as `corridor` has it; one. Those with the most sensors come first."""
    return _chosen("road", "Road", "variables/road")


def sensor() -> QueryVariable:
    """One sensor of the chosen areas: its `sensors.id`."""
    return _chosen("sensor", "Sensor", "variables/sensor")


def horizon() -> CustomVariable:
    """Minutes ahead, of those that are predicted."""
    usual = VariableOption(selected=True, text="15", value="15")
    return _one_of("horizon", "Minutes ahead", HORIZONS).current(usual)


def _one_of(name: str, label: str, values: Sequence[str]) -> CustomVariable:
    return CustomVariable(name).label(label).values(",".join(values))


def _chosen(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(POSTGRES)
        .query(sql_of(query))
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
    )
