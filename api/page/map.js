// The map: links in the colour of their level of service, and what is selected. Leaflet's `L` is a global.

import { at, element } from "./elements.js";
import { drawLand } from "./land.js";
import { LEVEL_WIDTH, shapeOf } from "./lines.js";
import { Markers } from "./markers.js";
import { DOTTED, Rings, WHOLE } from "./rings.js";
import { Ways } from "./ways.js";
import { PRIORITIES } from "./network.js";
import { number } from "./words.js";

const NEW_YORK = L.latLngBounds([40.55, -74.15], [40.87, -73.75]);
const PHONE_DETAILS = 0.7; // of the map's height, as in phone.css
const PULSE_MS = 900;
const PULSE_STEP_MS = 75;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class TrafficMap {
  #map;
  #network;
  #layers = new Map(); // sensor id → its line or circle
  #pulses = new Map(); // sensor id → when its pulse began
  #markers;
  #rings;
  #alertRings;
  #ways;
  #drawnWays = [[], 0, []];
  #onPick = null; // takes a click as a place, while one is asked for
  #handlers;
  #selected = null;
  #colours = {};
  #placed = false; // whether the place that is shown was chosen

  // onSelect(sensor or null), onMove({ lat, lon, zoom }); `place` is where to look at first, if that is known.
  constructor(container, network, place, handlers) {
    this.#network = network;
    this.#handlers = handlers;
    this.#map = L.map(container, {
      renderer: L.canvas({ tolerance: 5, padding: 0.3 }),
      zoomSnap: 0.25,
      minZoom: 4,
      maxZoom: 17,
      zoomAnimation: !still.matches,
    });
    this.#map.attributionControl.setPrefix("Leaflet").addAttribution("land: U.S. Census Bureau");
    this.#map.fitBounds(NEW_YORK);
    if (place) this.goTo(place);
    this.#markers = new Markers(this.#map, network, (incident) => this.#placeOf(incident));
    this.#rings = new Rings(this.#map, DOTTED);
    this.#alertRings = new Rings(this.#map, WHOLE);
    this.#ways = new Ways(this.#map);
    this.#follow(container);
    this.#readColours();
    drawLand(this.#map, "basemap.geojson").catch(() => console.warn("The base map could not be loaded."));
  }

  #follow(container) {
    this.#map.on("zoomend", () => this.#scale());
    this.#map.on("click", (event) => this.#pickOr(event, () => this.select(null)));
    this.#map.on("moveend", () => {
      const { lat, lng: lon } = this.#map.getCenter();
      if (this.#placed) this.#handlers.onMove({ lat, lon, zoom: this.#map.getZoom() });
    });
    document.addEventListener("theme", () => this.#readColours());
    new ResizeObserver(() => this.#map.invalidateSize()).observe(container);
  }

  #pickOr({ latlng }, otherwise) {
    if (this.#onPick) this.#onPick({ lat: latlng.lat, lon: latlng.lng });
    else otherwise();
  }

  // While `onPick` is a function, a click on the map gives it its place and selects nothing; null: as ever.
  pick(onPick) {
    this.#onPick = onPick;
    this.#map.getContainer().classList.toggle("picking", onPick !== null);
  }

  drawWays(routes, chosen, places) {
    this.#drawnWays = [routes, chosen, places];
    this.#ways.draw(...this.#drawnWays, { line: this.#colours.way, casing: this.#colours.casing });
  }

  // The ways that are drawn, as near as they fit beside what covers the map.
  fitWays() {
    const [routes] = this.#drawnWays;
    const lines = routes.map(({ geometry }) => L.GeoJSON.coordsToLatLngs(geometry.coordinates));
    if (!lines.length) return;
    this.#placed = true;
    this.#map.fitBounds(L.latLngBounds(lines.flat()), { ...this.#uncovered(), maxZoom: 15, animate: !still.matches });
  }

  get ringed() {
    return this.#rings.sensors;
  }

  get alerted() {
    return this.#alertRings.sensors;
  }

  radiusOf(sensor) {
    return this.#alertRings.radiusOf(sensor);
  }

  get linkCount() {
    return this.#layers.size;
  }

  colourOf(sensor) {
    return this.#layers.get(sensor)?.options.color ?? null;
  }

  goTo({ lat, lon, zoom }) {
    this.#placed = true;
    this.#map.setView([lat, lon], zoom, { animate: false });
  }

  // Draws sensors that are new or come into the area, and takes away those that are gone.
  drawSensors() {
    const isWanted = (sensor) => sensor !== undefined && this.#network.isInArea(sensor);
    for (const [id, layer] of this.#layers) {
      if (!isWanted(this.#network.sensors.get(id))) {
        layer.remove();
        this.#layers.delete(id);
      }
    }
    for (const sensor of this.#network.sensors.values()) {
      if (isWanted(sensor) && !this.#layers.has(sensor.sensor)) this.#add(sensor);
    }
    if (!this.#placed) this.fit();
  }

  #add(sensor) {
    const layer = shapeOf(sensor);
    if (!layer) return;
    layer.level = this.#network.levelOf(sensor.sensor);
    layer.bindTooltip(() => this.#hint(sensor), { sticky: true, className: "hint" });
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.#pickOr(event, () => this.select(sensor.sensor));
    });
    this.#layers.set(sensor.sensor, layer);
    this.#style(sensor.sensor, layer);
    layer.addTo(this.#map);
  }

  #hint({ sensor, name }) {
    const shown = this.#network.shown(sensor);
    const { horizon } = this.#network;
    const speed = shown ? number(shown.speed_kmh, "km/h") : horizon ? "no forecast" : "no data";
    const when = shown && horizon ? ` in ${horizon} min` : "";
    return element("span", {}, element("b", {}, speed + when), ` ${name || sensor}`);
  }

  fit() {
    if (!this.#layers.size) return;
    const bounds = L.featureGroup([...this.#layers.values()]).getBounds();
    this.#map.fitBounds(bounds, { ...this.#uncovered(), maxZoom: 14, animate: false });
    this.#map.getContainer().classList.toggle("elsewhere", !bounds.intersects(NEW_YORK));
    this.#placed = true;
  }

  // What of the map the forecast's slider leaves free, for Leaflet.
  #uncovered() {
    const covered = this.#map.getContainer().getBoundingClientRect().bottom - at("forecast").getBoundingClientRect().top;
    return { paddingTopLeft: [24, 24], paddingBottomRight: [24, Math.max(24, covered)] };
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
    this.#handlers.onSelect(sensor);
    const layer = this.#layers.get(sensor);
    if (layer) layer.bringToFront();
    if (layer && show) this.#lookAt(layer.getBounds?.() ?? layer.getLatLng().toBounds(1000));
  }

  // Where the details leave room for it: to their left, on a phone above them.
  #lookAt(bounds) {
    this.#placed = true;
    this.#map.invalidateSize({ animate: false });
    const whole = this.#map.getContainer().getBoundingClientRect();
    const width = Math.max(...["details", "alert"].map((id) => at(id).getBoundingClientRect().width));
    const covered = width < whole.width * 0.8 ? [Math.min(width, whole.width / 2), 0] : [0, whole.height * PHONE_DETAILS];
    const view = { maxZoom: Math.max(13, this.#map.getZoom()), animate: !still.matches };
    this.#map.fitBounds(bounds.pad(0.5), { ...view, paddingBottomRight: covered });
  }

  drawIncidents(onSelect) {
    this.#markers.draw(onSelect);
  }

  // A ring about each sensor that is not as it normally is.
  drawUnusual() {
    const places = new Map();
    for (const [{ sensor }] of this.#network.mostUnusual()) {
      const place = this.#placeOf({ sensors: [sensor] });
      if (place) places.set(sensor, place);
    }
    this.#rings.draw(places, () => this.#colours.ring);
  }

  // A ring in the colour of its priority about each sensor on which an alert fires.
  drawAlerts() {
    const alerted = this.#network.alerted();
    const found = [...alerted.keys()].map((sensor) => [sensor, this.#placeOf({ sensors: [sensor] })]);
    const places = new Map(found.filter(([, place]) => place));
    this.#alertRings.draw(places, (sensor) => this.#colours[alerted.get(sensor)]);
  }

  // Where an alert is, as far as that is known.
  showAlert({ subject, sensors }) {
    const place = this.#placeOf({ sensors: [subject, ...(sensors ?? [])] });
    if (place) this.#lookAt(place.toBounds(1500));
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

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const level in LEVEL_WIDTH) this.#colours[level] = style.getPropertyValue(`--los-${level}`).trim();
    for (const priority of PRIORITIES) this.#colours[priority] = style.getPropertyValue(`--${priority}`).trim();
    this.#colours.ring = style.getPropertyValue("--text").trim();
    this.#colours.way = style.getPropertyValue("--accent").trim();
    this.#colours.casing = style.getPropertyValue("--raised").trim();
    this.#scale();
    this.drawUnusual();
    this.drawAlerts();
    this.drawWays(...this.#drawnWays);
  }
}
