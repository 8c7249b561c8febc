// Rings about sensors: dotted where one is not as it normally is, whole where an alert fires. Leaflet's `L` is a global.

export const DOTTED = { radius: 11, weight: 2.5, dashArray: "2 4" };
export const WHOLE = { radius: 15, weight: 3 };
const BARE = { fill: false, interactive: false };

export class Rings {
  #rings = new Map(); // sensor id → its ring
  #layer = L.layerGroup();
  #shape;

  constructor(map, shape) {
    this.#shape = shape;
    this.#layer.addTo(map);
  }

  get sensors() {
    return [...this.#rings.keys()];
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
      this.#rings.set(id, ring.setStyle({ color: colorOf(id) }));
    }
  }
}
