"""Maps of places, coloured by a number that each has."""

from typing import Final

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import FieldColorModeId
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode

from grafana.names import POSTGRES
from grafana.panels import HALF, Query

HIGH: Final = 14


def places(
    title: str, description: str, query: Query, colour_by: str, thresholds: ThresholdsConfig, size: int = 6
) -> geomap.Panel:
    """A dot for each row, at its columns `lat` and `lon`, in the colour that `thresholds` give its `colour_by`."""
    panel = geomap.Panel().title(title).description(description).datasource(POSTGRES).with_target(query)
    where = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("lat").longitude("lon")
    look = {
        "color": {"field": colour_by, "fixed": "blue"},
        "opacity": 0.9,
        "size": {"fixed": size, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    dots = common.MapLayerOptions().type("markers").name(title).config({"showLegend": False, "style": look})
    view = geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(True).padding(5)
    panel = panel.view(view).basemap(common.MapLayerOptions().type("default").name("Streets"))
    panel = panel.layers([dots.location(where).tooltip(True)]).tooltip(
        geomap.TooltipOptions().mode(TooltipMode.DETAILS)
    )
    coloured = panel.thresholds(thresholds).color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return coloured.span(HALF).height(HIGH)
