// The map: land, links in the colour of their level of service, incident markers. Leaflet's `L` is a global.

import { isActive } from "./network.js";
import { element, incidentTitle, speedLine } from "./words.js";

const NEW_YORK = L.latLngBounds([40.55, -74.15], [40.87, -73.75]);
const PULSE_MS = 900;
const PULSE_STEP_MS = 75;
const LEVEL_WIDTH = { ab: 0, c: 0.3, d: 0.8, e: 1.4, f: 2.2, none: -0.8 };
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

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

export class TrafficMap {
  #map;
  #network;
  #layers = new Map(); // sensor id → its line or circle
  #markers = new Map(); // incident id → its marker
  #pulses = new Map(); // sensor id → when its pulse began
  #incidentLayer = L.layerGroup();
  #onSelect;
  #selected = null;
  #colours = {};
  #fitted = false;

  constructor(container, network, onSelect) {
    this.#network = network;
    this.#onSelect = onSelect;
    this.#map = L.map(container, {
      renderer: L.canvas({ tolerance: 5, padding: 0.3 }),
      zoomSnap: 0.25,
      minZoom: 4,
      maxZoom: 17,
      zoomAnimation: !still.matches,
    });
    this.#map.attributionControl.setPrefix("Leaflet").addAttribution("land: U.S. Census Bureau");
    this.#map.fitBounds(NEW_YORK);
    this.#incidentLayer.addTo(this.#map);
    this.#map.on("zoomend", () => this.#scale());
    this.#map.on("click", () => this.select(null));
    dark.addEventListener("change", () => this.#readColours());
    new ResizeObserver(() => this.#map.invalidateSize()).observe(container);
    this.#readColours();
  }

  get linkCount() {
    return this.#layers.size;
  }

  colourOf(sensor) {
    return this.#layers.get(sensor)?.options.color ?? null;
  }

  // Land, rivers and islands under the links; style.css gives them their colours, so they follow the theme.
  async drawLand(url) {
    const response = await fetch(url);
    this.#map.createPane("land").style.zIndex = 200;
    this.#map.createPane("places").style.zIndex = 250;
    L.geoJSON(await response.json(), {
      pane: "land", renderer: L.svg({ pane: "land", padding: 1 }), interactive: false,
      style: ({ properties }) => ({ className: properties.kind }),
      onEachFeature: ({ properties }) => properties.label && this.#namePlace(properties),
    }).addTo(this.#map);
  }

  #namePlace({ name, kind, label: [lon, lat] }) {
    L.tooltip({ permanent: true, direction: "center", className: `place of-${kind}`, pane: "places", offset: [0, 0] })
      .setLatLng([lat, lon]).setContent(element("span", {}, name)).addTo(this.#map);
  }

  // Draws sensors that are new and takes away those that are gone.
  drawSensors() {
    for (const [id, layer] of this.#layers) {
      if (!this.#network.sensors.has(id)) {
        layer.remove();
        this.#layers.delete(id);
      }
    }
    for (const sensor of this.#network.sensors.values()) {
      if (!this.#layers.has(sensor.sensor)) this.#add(sensor);
    }
    this.#fit();
  }

  #add(sensor) {
    const layer = shapeOf(sensor);
    if (!layer) return;
    layer.level = this.#network.levelOf(sensor.sensor);
    layer.bindTooltip(() => speedLine(this.#network, sensor.sensor), { sticky: true, className: "hint" });
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.select(sensor.sensor);
    });
    this.#layers.set(sensor.sensor, layer);
    this.#style(sensor.sensor, layer);
    layer.addTo(this.#map);
  }

  #fit() {
    if (this.#fitted || !this.#layers.size) return;
    this.#fitted = true;
    const bounds = L.featureGroup([...this.#layers.values()]).getBounds();
    this.#map.fitBounds(bounds, { padding: [24, 24], maxZoom: 14, animate: false });
    this.#map.getContainer().classList.toggle("elsewhere", !bounds.intersects(NEW_YORK));
  }

  // Repaints the given sensors and lets those whose shown speed changed pulse.
  update(sensors, pulsing) {
    for (const id of sensors) this.#repaint(id);
    if (still.matches) return;
    const now = performance.now();
    const idle = this.#pulses.size === 0;
    for (const id of pulsing) if (this.#layers.has(id)) this.#pulses.set(id, now);
    if (idle && this.#pulses.size) this.#pulse();
  }

  repaintAll() {
    for (const id of this.#layers.keys()) this.#repaint(id);
  }

  #repaint(id) {
    const layer = this.#layers.get(id);
    const level = this.#network.levelOf(id);
    if (!layer || layer.level === level) return;
    layer.level = level;
    this.#style(id, layer);
    if (level === "e" || level === "f") layer.bringToFront();
  }

  #style(id, layer, swell = 0) {
    const width = this.#width() + LEVEL_WIDTH[layer.level] + (id === this.#selected ? 4 : 0) + swell;
    const color = this.#colours[layer.level];
    if (layer.setRadius) layer.setRadius(width + 1).setStyle({ color, fillColor: color });
    else layer.setStyle({ color, weight: width });
  }

  #width() {
    return Math.min(7, Math.max(2.2, (this.#map.getZoom() - 8) * 1.15));
  }

  #scale() {
    const aside = this.#width() / 2 + 0.9;
    for (const [id, layer] of this.#layers) {
      if (!layer.setRadius && layer.options.aside !== aside) {
        layer.options.aside = aside;
        layer.redraw();
      }
      this.#style(id, layer);
    }
  }

  #pulse() {
    const now = performance.now();
    for (const [id, began] of this.#pulses) {
      const layer = this.#layers.get(id);
      const left = Math.max(0, 1 - (now - began) / PULSE_MS);
      if (layer) this.#style(id, layer, 3 * left * left);
      if (!layer || left === 0) this.#pulses.delete(id);
    }
    if (this.#pulses.size) setTimeout(() => this.#pulse(), PULSE_STEP_MS);
  }

  select(sensor, { show = false } = {}) {
    const before = this.#selected;
    this.#selected = sensor;
    for (const id of [before, sensor]) {
      const layer = this.#layers.get(id);
      if (layer) this.#style(id, layer);
    }
    const layer = this.#layers.get(sensor);
    if (layer) layer.bringToFront();
    if (layer && show) this.#lookAt(layer.getBounds?.() ?? layer.getLatLng().toBounds(1000));
    this.#onSelect(sensor);
  }

  #lookAt(bounds) {
    this.#map.fitBounds(bounds.pad(1), { maxZoom: Math.max(13, this.#map.getZoom()), animate: !still.matches });
  }

  showIncident(incident) {
    const place = this.#placeOf(incident);
    if (place) this.#lookAt(place.toBounds(1500));
  }

  #placeOf({ lat, lon, sensors }) {
    if (lat != null && lon != null) return L.latLng(lat, lon);
    const layer = (sensors ?? []).map((id) => this.#layers.get(id)).find(Boolean);
    return layer ? layer.getLatLng?.() ?? layer.getBounds().getCenter() : null;
  }

  drawIncidents(onSelect) {
    const wanted = new Map([...this.#network.incidents].filter(([, incident]) => isActive(incident)));
    for (const [id, marker] of this.#markers) {
      if (wanted.get(id) !== marker.incident) {
        marker.remove();
        this.#markers.delete(id);
      }
    }
    for (const [id, incident] of wanted) {
      if (this.#markers.has(id) || !this.#placeOf(incident)) continue;
      const marker = this.#incidentMarker(incident).on("click", () => onSelect(id));
      this.#markers.set(id, marker);
      marker.addTo(this.#incidentLayer);
      marker.getElement().setAttribute("aria-label", incidentTitle(incident));
    }
  }

  #incidentMarker(incident) {
    const className = `incident-marker severity-${incident.severity}`;
    const icon = L.divIcon({ className, html: element("span", {}, "!"), iconSize: [24, 24] });
    const marker = L.marker(this.#placeOf(incident), { icon, riseOnHover: true });
    marker.incident = incident;
    return marker.bindTooltip(() => element("span", {}, incidentTitle(incident)), { className: "hint" });
  }

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const level in LEVEL_WIDTH) this.#colours[level] = style.getPropertyValue(`--los-${level}`).trim();
    this.#scale();
  }
}

function shapeOf({ geometry, lat, lon }) {
  if (geometry?.type === "LineString") {
    const places = L.GeoJSON.coordsToLatLngs(geometry.coordinates);
    return new SidedLine(places, { aside: 3, lineJoin: "round", smoothFactor: 0.8, opacity: 1 });
  }
  const [east, north] = geometry?.type === "Point" ? geometry.coordinates : [lon, lat];
  return east == null || north == null ? null : L.circleMarker([north, east], { fillOpacity: 0.85, weight: 1 });
}
