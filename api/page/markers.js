// Incidents and work zones on the map, told apart by their shape. Leaflet's `L` is a global.

import { element } from "./elements.js";
import { isWorkZone } from "./network.js";
import { incidentTitle } from "./words.js";

export class Markers {
  #markers = new Map(); // incident id → its marker
  #layer = L.layerGroup();
  #network;
  #placeOf;

  // placeOf(incident): where it is, or null.
  constructor(map, network, placeOf) {
    this.#network = network;
    this.#placeOf = placeOf;
    this.#layer.addTo(map);
  }

  draw(onSelect) {
    const wanted = new Map(this.#network.activeIncidents());
    for (const [id, marker] of this.#markers) {
      if (wanted.get(id) !== marker.incident) {
        marker.remove();
        this.#markers.delete(id);
      }
    }
    for (const [id, incident] of wanted) {
      if (!this.#markers.has(id) && this.#placeOf(incident)) this.#add(incident, onSelect);
    }
  }

  #add(incident, onSelect) {
    const workZone = isWorkZone(incident);
    const className = workZone ? "work-zone-marker" : `incident-marker severity-${incident.severity}`;
    const icon = L.divIcon({ className, html: element("span", {}, workZone ? "" : "!"), iconSize: [24, 24] });
    const marker = L.marker(this.#placeOf(incident), { icon, riseOnHover: true });
    marker.incident = incident;
    marker.bindTooltip(() => element("span", {}, incidentTitle(incident)), { className: "hint" });
    marker.on("click", () => onSelect(incident));
    this.#markers.set(incident.id, marker);
    marker.addTo(this.#layer);
    marker.getElement().setAttribute("aria-label", incidentTitle(incident));
  }
}
