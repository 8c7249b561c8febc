// A sensor as a shape on the map: a line beside the road's axis, or a circle. Leaflet's `L` is a global.

// Added to a line's width by its level, so that colour is not the only sign of a jam.
export const LEVEL_WIDTH = { ab: 0, c: 0.4, d: 1.2, e: 2.2, f: 3.4, none: -0.8 };

// A line moved to the right of its direction of travel, so that the two directions of a road lie side by side.
const SidedLine = L.Polyline.extend({
  _projectLatlngs(latlngs, result, bounds) {
    L.Polyline.prototype._projectLatlngs.call(this, latlngs, result, bounds);
    if (latlngs[0] instanceof L.LatLng) result.push(toTheRight(result.pop(), this.options.aside));
  },
});

function toTheRight(points, distance) {
  return points.map((point, index) => {
    const along = points[Math.min(index + 1, points.length - 1)].subtract(points[Math.max(index - 1, 0)]);
    const length = Math.hypot(along.x, along.y) || 1;
    return L.point(point.x - (along.y / length) * distance, point.y + (along.x / length) * distance);
  });
}

// Null for a sensor of which no place is known.
export function shapeOf({ geometry, lat, lon }) {
  if (geometry?.type === "LineString") {
    const places = L.GeoJSON.coordsToLatLngs(geometry.coordinates);
    return new SidedLine(places, { aside: 3, lineJoin: "round", smoothFactor: 0.8, opacity: 1 });
  }
  const [east, north] = geometry?.type === "Point" ? geometry.coordinates : [lon, lat];
  return east == null || north == null ? null : L.circleMarker([north, east], { fillOpacity: 0.85, weight: 1 });
}
