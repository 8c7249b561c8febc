"""Lines with a band around them: what is normal, or what is expected with its interval.

A query of such a series has three columns: `<name>`, `<name>, least` and `<name>, most`.
"""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

_UNSEEN = {"legend": True, "tooltip": False, "viz": False}


def banded(panel: timeseries.Panel, name: str, colour: str, dashes: bool = False) -> timeseries.Panel:
    """The series `name` in `colour`, with its band filled faintly in the same."""
    least, most = f"{name}, least", f"{name}, most"
    in_colour = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
    style = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 6]} if dashes else {"fill": "solid"})
    edge = [
        in_colour,
        DynamicConfigValue("custom.lineWidth", 0),
        DynamicConfigValue("custom.hideFrom", _UNSEEN),
    ]
    filled = [DynamicConfigValue("custom.fillBelowTo", least), DynamicConfigValue("custom.fillOpacity", 15)]
    panel = panel.override_by_name(name, [in_colour, style]).override_by_name(least, edge)
    return panel.override_by_name(most, [*edge, *filled])
