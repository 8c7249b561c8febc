// Dotted rings about sensors that are not as they normally are. Leaflet's `L` is a global.

const SHAPE = { radius: 11, weight: 2.5, dashArray: "2 4", fill: false, interactive: false };

export class Rings {
  #rings = new Map(); // sensor id → its ring
  #layer = L.layerGroup();

  constructor(map) {
    this.#layer.addTo(map);
  }

  get sensors() {
    return [...this.#rings.keys()];
  }

  // `places`: sensor id → where it is.
  draw(places, color) {
    for (const [id, ring] of this.#rings) {
      if (places.has(id)) continue;
      ring.remove();
      this.#rings.delete(id);
    }
    for (const [id, place] of places) {
      const ring = this.#rings.get(id) ?? L.circleMarker(place, SHAPE).addTo(this.#layer);
      this.#rings.set(id, ring.setStyle({ color }));
    }
  }
}
