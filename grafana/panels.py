"""The kinds of panels that dashboards are made of, with what all have in common."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import common, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue

from grafana.names import POSTGRES

FULL: Final = 24
HALF: Final = 12
THIRD: Final = 8
QUARTER: Final = 6
TALL: Final = 10
MIDDLE: Final = 8
LOW: Final = 4

Query = Builder[Dataquery]


def number(title: str, description: str, query: Query, unit: str, source: DataSourceRef = POSTGRES) -> stat.Panel:
    """One number, coloured by its thresholds."""
    panel = stat.Panel().title(title).description(description).datasource(source).with_target(query)
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"])
    return panel.unit(unit).reduce_options(reduced).no_value("–").span(QUARTER).height(LOW)


def lines(
    title: str, description: str, queries: Sequence[Query], unit: str, source: DataSourceRef = POSTGRES
) -> timeseries.Panel:
    """Lines over time; gaps in the data stay gaps."""
    panel = timeseries.Panel().title(title).description(description).datasource(source)
    for query in queries:
        panel = panel.with_target(query)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    panel = panel.unit(unit).legend(legend()).tooltip(tooltip).draw_style(GraphDrawStyle.LINE)
    return panel.show_points(VisibilityMode.NEVER).line_width(1).span(HALF).height(MIDDLE)


def rows(
    title: str, description: str, query: Query, units: dict[str, str], source: DataSourceRef = POSTGRES
) -> table.Panel:
    """A table; `units` has those of columns, by name."""
    panel = table.Panel().title(title).description(description).datasource(source).with_target(query)
    for column, unit in units.items():
        panel = panel.override_by_name(column, [DynamicConfigValue(id_val="unit", value=unit)])
    return panel.span(HALF).height(TALL)


def legend() -> common.VizLegendOptions:
    """The names of what is drawn, in a line below it."""
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
