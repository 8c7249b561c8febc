"""What a column of a table can be made to do: lead elsewhere, stay unseen, be rounded, be coloured."""

from typing import TypeVar

from grafana_foundation_sdk.builders import geomap, stat, table
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.board import link_to

Shown = TypeVar("Shown", table.Panel, stat.Panel)
Linked = TypeVar("Linked", table.Panel, geomap.Panel)


def linked(panel: Linked, column: str, title: str, address: str) -> Linked:
    """A click on a value of `column` opens `address`, as `grafana.board.link_to` makes it."""
    return panel.override_by_name(column, [DynamicConfigValue("links", [{"title": title, "url": address}])])


def hidden(panel: table.Panel, *columns: str) -> table.Panel:
    """Columns that only links need."""
    for column in columns:
        panel = panel.override_by_name(column, [DynamicConfigValue("custom.hidden", True)])
    return panel


def rounded(panel: table.Panel, decimals: int, *columns: str) -> table.Panel:
    """Numbers with so many decimals."""
    for column in columns:
        panel = panel.override_by_name(column, [DynamicConfigValue("decimals", decimals)])
    return panel


def judged(panel: Shown, column: str, thresholds: ThresholdsConfig) -> Shown:
    """The numbers of `column` in the colours of `thresholds`."""
    properties = [
        DynamicConfigValue("thresholds", thresholds.build()),
        DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]
    return panel.override_by_name(column, properties)


def to_sensor(panel: table.Panel, column: str = "name", variable: str = "sensor_id") -> table.Panel:
    """`column` leads to the dashboard of the sensor whose number is in the column `variable`, which is not shown."""
    address = link_to("sensor", sensor=f"${{__data.fields.{variable}}}")
    return hidden(linked(panel, column, "Sensor", address), variable)


def to_corridor(panel: table.Panel, column: str = "road") -> table.Panel:
    """`column` has the name of a road and its direction, and leads to the dashboard of that corridor."""
    return linked(panel, column, "Corridor", link_to("corridor", road="${__value.raw:percentencode}"))
