"""What is called how in Grafana: folder, data sources, dashboards. Uids never change: links lead by them."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import DataSourceRef

FOLDER_UID: Final = "urbanclear"
FOLDER_TITLE: Final = "Urbanclear"
TAG: Final = "urbanclear"

POSTGRES: Final = DataSourceRef(type_val="postgres", uid="urbanclear-postgres")
PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="urbanclear-prometheus")


def dashboard_uid(name: str) -> str:
    """Of the dashboard that is called `name` in `grafana.boards`."""
    return f"urbanclear-{name.replace('_', '-')}"
