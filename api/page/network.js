// What the page knows of the road network: sensors, the newest reading of each, incidents, alerts. No drawing here.

import { Forecast } from "./forecast.js";
import { Unusual } from "./unusual.js";

const OLD_AFTER_MS = 10 * 60_000;
const RATE_WINDOW_MS = 10_000;
const WORK_ZONE = "road_works";
export const PRIORITIES = ["critical", "high", "medium", "low"];

// Level of service by how it is shown; A and B look alike.
export const LEVELS = [
  { name: "ab", los: "AB", label: "A–B", meaning: "free" },
  { name: "c", los: "C", label: "C", meaning: "steady" },
  { name: "d", los: "D", label: "D", meaning: "slowing" },
  { name: "e", los: "E", label: "E", meaning: "heavy" },
  { name: "f", los: "F", label: "F", meaning: "jammed" },
  { name: "none", los: "", label: "–", meaning: "no data" },
];
const LEVEL_OF = new Map(LEVELS.flatMap((level) => [...level.los].map((los) => [los, level.name])));

export class Network {
  sensors = new Map();
  readings = new Map();
  incidents = new Map();
  alerts = new Map();
  forecast = new Forecast();
  unusual = new Unusual();
  horizon = 0; // minutes ahead that are shown; 0: what is measured
  area = ""; // the part of the city that is shown; "": all
  isSilenced = () => false; // whether nobody is told of an alert now
  newest = 0; // data time of the newest reading, in ms
  newestArrived = 0; // when this page received it
  lastArrived = performance.now();
  #began = performance.now();
  #arrivals = [];

  setSensors(items) {
    this.sensors = new Map(items.map((item) => [item.sensor, item]));
  }

  // Takes a traffic message; returns the ids of the sensors whose shown speed or level may have changed.
  applyTraffic({ type, items }) {
    const now = performance.now();
    const before = type === "snapshot" ? this.readings : null;
    if (before) {
      this.readings = new Map();
      this.newest = 0;
    } else if (items.length) {
      this.#arrivals.push({ at: now, count: items.length });
    }
    const changed = items.filter((item) => this.#take(item, now)).map((item) => item.sensor);
    if (changed.length) this.lastArrived = now;
    return before ? [...new Set([...before.keys(), ...changed])] : changed;
  }

  #take(item, now) {
    const at = Date.parse(item.time);
    const held = this.readings.get(item.sensor);
    if (held && held.at > at) return false;
    this.readings.set(item.sensor, { ...item, at });
    if (at > this.newest) {
      this.newest = at;
      this.newestArrived = now;
    }
    return true;
  }

  // Takes a message of incidents or alerts.
  applyStates(held, { type, items }) {
    if (type === "snapshot") held.clear();
    for (const item of items) held.set(item.id, item);
  }

  // The feed's own present: it goes on with the clock, and is right for a replay of another year too.
  dataNow() {
    return this.newest ? this.newest + performance.now() - this.newestArrived : Date.now();
  }

  isFresh(reading) {
    return reading !== undefined && this.newest - reading.at <= OLD_AFTER_MS;
  }

  // What is shown of a sensor at the horizon: its reading unless it is old, or its prediction.
  shown(sensor) {
    if (this.horizon) return this.forecast.of(sensor, this.horizon, this.dataNow());
    const reading = this.readings.get(sensor);
    return this.isFresh(reading) ? reading : undefined;
  }

  levelOf(sensor) {
    return LEVEL_OF.get(this.shown(sensor)?.los) ?? "none";
  }

  isInArea({ area }) {
    return !this.area || area === this.area;
  }

  areas() {
    return [...new Set([...this.sensors.values()].map(({ area }) => area).filter(Boolean))].sort();
  }

  hasUnknownSensors() {
    return [...this.readings.keys()].some((sensor) => !this.sensors.has(sensor));
  }

  #inArea() {
    return [...this.sensors.values()].filter((sensor) => this.isInArea(sensor));
  }

  // Every sensor of the area of which a speed ratio is shown, as [sensor, what is shown].
  #measured() {
    return this.#inArea()
      .map((sensor) => [sensor, this.shown(sensor.sensor)])
      .filter(([, shown]) => shown?.speed_ratio != null);
  }

  slowest(count) {
    return this.#measured().sort(([, a], [, b]) => a.speed_ratio - b.speed_ratio).slice(0, count);
  }

  // Sensors with all of some words in their name, road or id.
  find(text, count) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = ({ sensor, name, road }) => {
      const all = `${name} ${road ?? ""} ${sensor}`.toLowerCase();
      return words.every((word) => all.includes(word));
    };
    const found = words.length ? this.#inArea().filter(matches) : [];
    return { total: found.length, first: found.slice(0, count) };
  }

  // Sensors of the area that are not as they normally are, the most unusual first, as [sensor, anomaly].
  mostUnusual() {
    return this.unusual.items
      .map((item) => [this.sensors.get(item.sensor), item])
      .filter(([sensor]) => sensor !== undefined && this.isInArea(sensor));
  }

  // Incidents of the area, or its work zones: active ones first, newest first.
  newestIncidents(count, { workZones }) {
    const order = (item) => (isActive(item) ? 1e15 : 0) + Date.parse(item.started_at ?? item.time);
    return [...this.incidents.values()]
      .filter((item) => isWorkZone(item) === workZones && this.#concerns(item))
      .sort((a, b) => order(b) - order(a))
      .slice(0, count);
  }

  #concerns(incident) {
    const sensors = (incident.sensors ?? []).map((id) => this.sensors.get(id)).filter(Boolean);
    return this.isInArea(incident) || sensors.some((sensor) => this.isInArea(sensor));
  }

  // Alerts of the area that are firing or pending, the most urgent first; those that somebody takes care of come later.
  openAlerts() {
    const order = (item) => [
      item.state === "firing" ? 0 : 1, PRIORITIES.indexOf(item.priority), item.acknowledged_by ? 1 : 0,
      -Date.parse(item.started_at ?? item.time),
    ];
    const places = (one, other) => order(one).map((value, index) => value - order(other)[index]);
    return [...this.alerts.values()]
      .filter((item) => item.state !== "resolved" && this.#isAbout(item))
      .sort((one, other) => places(one, other).find((difference) => difference) ?? 0);
  }

  // Sensors on which an alert fires, each with the most urgent priority of those that do.
  alerted() {
    const found = new Map();
    for (const { state, priority, subject, sensors } of this.openAlerts()) {
      if (state !== "firing") continue;
      for (const id of sensors?.length ? sensors : [subject]) if (!found.has(id)) found.set(id, priority);
    }
    return found;
  }

  // What says nothing of where it is concerns the whole city.
  #isAbout({ areas, sensors, subject }) {
    const known = [subject, ...(sensors ?? [])].map((id) => this.sensors.get(id)).filter(Boolean);
    if (!this.area || (!areas?.length && !known.length)) return true;
    return areas?.includes(this.area) || known.some((sensor) => this.isInArea(sensor));
  }

  activeIncidents() {
    return [...this.incidents].filter(([, incident]) => isActive(incident) && this.#concerns(incident));
  }

  summary() {
    const now = performance.now();
    this.#arrivals = this.#arrivals.filter(({ at }) => now - at < RATE_WINDOW_MS);
    const received = this.#arrivals.reduce((sum, { count }) => sum + count, 0);
    const counts = Object.fromEntries(LEVELS.map(({ name }) => [name, 0]));
    const sensors = this.#inArea();
    for (const { sensor } of sensors) counts[this.levelOf(sensor)] += 1;
    return {
      links: sensors.length,
      reporting: sensors.filter(({ sensor }) => this.isFresh(this.readings.get(sensor))).length,
      ratio: this.#meanRatio(),
      active: this.activeIncidents().filter(([, incident]) => !isWorkZone(incident)).length,
      rate: received / (Math.min(RATE_WINDOW_MS, now - this.#began) / 1000),
      counts,
    };
  }

  #meanRatio() {
    let weight = 0;
    let weighted = 0;
    for (const [{ length_m }, { speed_ratio }] of this.#measured()) {
      weight += length_m ?? 1;
      weighted += speed_ratio * (length_m ?? 1);
    }
    return weight ? weighted / weight : null;
  }
}

export function isActive(incident) {
  return incident.status !== "cleared" && !incident.cleared_at;
}

export function isWorkZone(incident) {
  return incident.kind === WORK_ZONE;
}
