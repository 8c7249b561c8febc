"""The kinds of panels that only some dashboards have: bars of what is compared, states over time, words."""

from collections.abc import Mapping
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import barchart, common, statetimeline, text, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import (
    GraphDrawStyle,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId, ValueMap, ValueMappingResult
from grafana_foundation_sdk.models.text import TextMode

from grafana.names import POSTGRES
from grafana.panels import FULL, HALF, MIDDLE, TALL, Query, legend

Panel = Builder[dashboard.Panel]
Chart = TypeVar("Chart", timeseries.Panel, barchart.Panel)

VEHICLE_HOURS: Final = "suffix: veh h"
_FILLED: Final = 70


def bars(title: str, description: str, query: Query, unit: str, stack: bool = False) -> barchart.Panel:
    """A group of bars for each row, which its first column (a text) names; the other columns are numbers."""
    panel = barchart.Panel().title(title).description(description).datasource(POSTGRES).with_target(query)
    stacking = StackingMode.NORMAL if stack else StackingMode.NONE
    panel = panel.unit(unit).stacking(stacking).legend(legend()).fill_opacity(_FILLED).show_value(VisibilityMode.AUTO)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    return panel.tooltip(tooltip).span(HALF).height(MIDDLE)


def states(title: str, description: str, query: Query, names: Mapping[int, tuple[str, str]]) -> statetimeline.Panel:
    """A row for each series of numbers over time; `names` has the word and the colour of each number."""
    panel = statetimeline.Panel().title(title).description(description).datasource(POSTGRES).with_target(query)
    mapping = ValueMap(
        {
            str(number): ValueMappingResult(text=word, color=colour, index=index)
            for index, (number, (word, colour)) in enumerate(names.items())
        }
    )
    panel = panel.mappings([mapping]).show_value(VisibilityMode.NEVER).merge_values(True).legend(legend())
    return panel.fill_opacity(_FILLED).line_width(0).row_height(0.8).span(FULL).height(TALL)


def courses(title: str, description: str, query: Query, thresholds: ThresholdsConfig) -> statetimeline.Panel:
    """A row for each series of numbers over time, in the colours that `thresholds` give them."""
    panel = statetimeline.Panel().title(title).description(description).datasource(POSTGRES).with_target(query)
    panel = panel.thresholds(thresholds).color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    panel = panel.show_value(VisibilityMode.NEVER).merge_values(True).legend(legend()).fill_opacity(100)
    return panel.line_width(0).row_height(1).span(FULL).height(TALL)


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Areas on top of each other instead of lines, for what adds up."""
    return panel.fill_opacity(_FILLED).line_width(0).stacking(common.StackingConfig().mode(StackingMode.NORMAL))


def by_day(panel: timeseries.Panel) -> timeseries.Panel:
    """Bars instead of lines, for what is of a whole day."""
    return panel.draw_style(GraphDrawStyle.BARS)


def coloured(panel: Chart, colours: Mapping[str, str]) -> Chart:
    """Each series, by name, in a colour of its own."""
    for name, colour in colours.items():
        panel = panel.override_by_name(name, [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})])
    return panel


def words(title: str, markdown: str) -> text.Panel:
    """What a reader needs to know, in Markdown."""
    return text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown).span(HALF).height(MIDDLE)
