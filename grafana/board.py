"""What every dashboard has: its uid, its tag, the way to the others, the time shown; and its JSON."""

import json

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard, DashboardLink
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from grafana.names import POSTGRES, TAG, dashboard_uid
from grafana.queries import AnnotationSql

TIMES = "${__url_time_range}"


def board(
    name: str, title: str, description: str, since: str = "now-24h", until: str = "now", refresh: str = "1m"
) -> Dashboard:
    """An empty dashboard; `name` is that of its module in `grafana.boards`."""
    others = DashboardLink("Urbanclear").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return (
        Dashboard(title)
        .uid(dashboard_uid(name))
        .description(description)
        .tags([TAG])
        .time(since, until)
        .timezone("browser")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(others.as_dropdown(True).include_vars(True).keep_time(True))
        .readonly()
    )


def marks(title: str, query: str, colour: str) -> AnnotationQuery:
    """Stretches of time that are marked on every panel over time; `query` as in `AnnotationSql`."""
    found = AnnotationQuery().name(title).datasource(POSTGRES).enable(True)
    return found.icon_color(colour).target(AnnotationSql(query))


def link_to(name: str, **variables: str) -> str:
    """The address of another dashboard over the same time; values such as `sensor="${__data.fields.sensor_id}"`."""
    chosen = "".join(f"&var-{variable}={value}" for variable, value in variables.items())
    return f"/d/{dashboard_uid(name)}?{TIMES}{chosen}"


def as_json(dashboard: Dashboard) -> str:
    """As the file in `grafana/dashboards/` has it, panels numbered from 1 in their order."""
    built = dashboard.build()
    number = 0
    for panel in built.panels or []:
        number += 1
        panel.id_val = number
        for inner in getattr(panel, "panels", None) or []:
            number += 1
            inner.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
