"""What can be chosen above a dashboard; in SQL `${area:sqlstring}`, which quotes and escapes it."""

from grafana_foundation_sdk.builders.dashboard import QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableRefresh, VariableSort

from grafana.names import POSTGRES
from grafana.queries import sql_of


def area() -> QueryVariable:
    """Parts of the city, several at once; `area IN (${area:sqlstring})`. A sensor without one is of the area ''."""
    return _chosen("area", "Area", "variables/area").multi(True).include_all(True)


def road() -> QueryVariable:
    """Roads with their direction, as `corridor` has it; one."""
    return _chosen("road", "Road", "variables/road")


def sensor() -> QueryVariable:
    """One sensor of the chosen areas: its `sensors.id`."""
    return _chosen("sensor", "Sensor", "variables/sensor")


def _chosen(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(POSTGRES)
        .query(sql_of(query))
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
    )
