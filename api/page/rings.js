// Rings about sensors: dotted where one is not as it normally is, whole where an alert fires. Leaflet's `L` is a global.

export const DOTTED = { radius: 11, weight: 2.5, dashArray: "2 4" };
export const WHOLE = { radius: 15, weight: 3 };
const BARE = { fill: false, interactive: false };
const WHOLE_FROM_ZOOM = 13; // rings are as large as that from there, and smaller where links lie closer
const LEAST = 0.4;

export class Rings {
  #rings = new Map(); // sensor id → its ring
  #layer = L.layerGroup();
  #map;
  #shape;

  constructor(map, shape) {
    this.#map = map;
    this.#shape = shape;
    this.#layer.addTo(map);
    map.on("zoomend", () => this.#layer.eachLayer((ring) => ring.setStyle(this.#size())));
  }

  #size() {
    const { radius, weight } = this.#shape;
    const share = Math.min(1, Math.max(LEAST, 1 - (WHOLE_FROM_ZOOM - (this.#map.getZoom() ?? WHOLE_FROM_ZOOM)) * 0.2));
    return { radius: radius * share, weight: Math.max(1.25, weight * share) };
  }

  get sensors() {
    return [...this.#rings.keys()];
  }

  radiusOf(id) {
    return this.#rings.get(id)?.getRadius() ?? null;
  }

  // `places`: sensor id → where it is; `colorOf(id)`: the ring's.
  draw(places, colorOf) {
    for (const [id, ring] of this.#rings) {
      if (places.has(id)) continue;
      ring.remove();
      this.#rings.delete(id);
    }
    for (const [id, place] of places) {
      const ring = this.#rings.get(id) ?? L.circleMarker(place, { ...this.#shape, ...BARE }).addTo(this.#layer);
      this.#rings.set(id, ring.setStyle({ color: colorOf(id), ...this.#size() }));
    }
  }
}
