"""What is called how in Grafana: folder, data sources, dashboards. Uids never change: links lead by them."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import DataSourceRef

FOLDER_UID: Final = "urbanclear"
FOLDER_TITLE: Final = "Urbanclear"
TAG: Final = "urbanclear"

POSTGRES: Final = DataSourceRef(type_val="postgres", uid="urbanclear-postgres")
PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="urbanclear-prometheus")
EXPRESSION: Final = DataSourceRef(type_val="__expr__", uid="__expr__")

#: What the uids of all that is made begin with; nothing else is ever removed.
PREFIX: Final = "urbanclear-"
#: The label of every alert, by which notification policies know ours.
SOURCE: Final = {"source": "urbanclear"}
CONTACT_POINT: Final = "Urbanclear"


def dashboard_uid(name: str) -> str:
    """Of the dashboard that is called `name` in `grafana.boards`."""
    return f"{PREFIX}{name.replace('_', '-')}"


def rule_uid(name: str) -> str:
    """Of the alert rule that is called `name` in `grafana.alerts`."""
    return f"{PREFIX}{name}"
