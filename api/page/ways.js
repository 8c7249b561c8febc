// Ways on the map: the chosen one as a broad line, others dashed, their ends as A and B. Leaflet's `L` is a global.

import { element } from "./elements.js";

const PANE = "ways";
const CASING = { weight: 11, opacity: 0.9, lineJoin: "round" };
const CHOSEN = { weight: 6, opacity: 1, lineJoin: "round" };
const OTHER = { weight: 5, opacity: 0.75, dashArray: "2 9", lineCap: "round" };

export class Ways {
  #layer = L.layerGroup();
  #shape;

  constructor(map) {
    map.createPane(PANE).classList.add("ways");
    this.#shape = { pane: PANE, renderer: L.svg({ pane: PANE, padding: 0.3 }), interactive: false };
    this.#layer.addTo(map);
  }

  // `places`: those of A and B, as far as they are known; `colours`: { line, casing }.
  draw(routes, chosen, places, colours) {
    this.#layer.clearLayers();
    routes.forEach((route, index) => index !== chosen && this.#line(route, { ...OTHER, color: colours.line }));
    if (routes[chosen]) {
      this.#line(routes[chosen], { ...CASING, color: colours.casing });
      this.#line(routes[chosen], { ...CHOSEN, color: colours.line, className: "chosen" });
    }
    places.forEach((place, index) => place && this.#end(place, "AB"[index]));
  }

  #line({ geometry }, style) {
    L.polyline(L.GeoJSON.coordsToLatLngs(geometry.coordinates), { ...this.#shape, ...style }).addTo(this.#layer);
  }

  #end({ lat, lon }, letter) {
    const icon = L.divIcon({ className: "way-end", html: element("span", {}, letter), iconSize: [22, 22] });
    L.marker([lat, lon], { icon, interactive: false, keyboard: false }).addTo(this.#layer);
  }
}
