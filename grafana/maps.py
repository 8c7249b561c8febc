"""Maps of places, coloured by a number that each has, and with others marked beside them."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode, MapLayerOptions
from grafana_foundation_sdk.models.dashboard import FieldColorModeId
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode

from grafana.colours import RED
from grafana.names import POSTGRES
from grafana.panels import HALF
from grafana.queries import Sql

Layer = Builder[MapLayerOptions]

HIGH: Final = 12
_MARK: Final = 10


def places(
    title: str,
    description: str,
    query: Sql,
    colour_by: str,
    thresholds: ThresholdsConfig,
    size: int = 6,
    marks: Sequence[tuple[str, Sql]] = (),
) -> geomap.Panel:
    """A dot for each row, at its columns `lat` and `lon`, in the colour that `thresholds` give its `colour_by`.

    `marks` are others, by their name: a red triangle for each row. Queries have a `ref_id` of their own.
    """
    panel = geomap.Panel().title(title).description(description).datasource(POSTGRES)
    layers = [_layer(title, query, {"field": colour_by, "fixed": "blue"}, size, "circle")]
    layers += [_layer(name, found, {"fixed": RED}, _MARK, "triangle") for name, found in marks]
    for each in (query, *(found for _, found in marks)):
        panel = panel.with_target(each)
    view = geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(True).padding(5)
    panel = panel.view(view).basemap(common.MapLayerOptions().type("default").name("Streets")).layers(layers)
    panel = panel.tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS)).thresholds(thresholds)
    return panel.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS)).span(HALF).height(HIGH)


def _layer(name: str, query: Sql, colour: dict[str, str], size: int, shape: str) -> Layer:
    where = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("lat").longitude("lon")
    look = {
        "color": colour,
        "opacity": 0.9,
        "size": {"fixed": size, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": f"img/icons/marker/{shape}.svg"},
    }
    layer = common.MapLayerOptions().type("markers").name(name).config({"showLegend": False, "style": look})
    return layer.location(where).filter_data({"id": "byRefId", "options": query.ref_id}).tooltip(True)
