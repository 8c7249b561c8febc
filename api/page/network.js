// What the page knows of the road network: sensors, the newest reading of each, incidents. No drawing here.

const OLD_AFTER_MS = 10 * 60_000;
const RATE_WINDOW_MS = 10_000;

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

  applyIncidents({ type, items }) {
    if (type === "snapshot") this.incidents.clear();
    for (const item of items) this.incidents.set(item.id, item);
  }

  // The feed's own present: it goes on with the clock, and is right for a replay of another year too.
  dataNow() {
    return this.newest + performance.now() - this.newestArrived;
  }

  isFresh(reading) {
    return reading !== undefined && this.newest - reading.at <= OLD_AFTER_MS;
  }

  levelOf(sensor) {
    const reading = this.readings.get(sensor);
    return (this.isFresh(reading) && LEVEL_OF.get(reading.los)) || "none";
  }

  hasUnknownSensors() {
    return [...this.readings.keys()].some((sensor) => !this.sensors.has(sensor));
  }

  // Every known sensor that has a fresh reading with a speed ratio, as [sensor, reading].
  #measured() {
    return [...this.sensors.values()]
      .map((sensor) => [sensor, this.readings.get(sensor.sensor)])
      .filter(([, reading]) => this.isFresh(reading) && reading.speed_ratio != null);
  }

  slowest(count) {
    return this.#measured().sort(([, a], [, b]) => a.speed_ratio - b.speed_ratio).slice(0, count);
  }

  // Active ones first, newest first.
  newestIncidents(count) {
    const order = (item) => (isActive(item) ? 1e15 : 0) + Date.parse(item.started_at ?? item.time);
    return [...this.incidents.values()].sort((a, b) => order(b) - order(a)).slice(0, count);
  }

  summary() {
    const now = performance.now();
    this.#arrivals = this.#arrivals.filter(({ at }) => now - at < RATE_WINDOW_MS);
    const received = this.#arrivals.reduce((sum, { count }) => sum + count, 0);
    const counts = Object.fromEntries(LEVELS.map(({ name }) => [name, 0]));
    let weight = 0;
    let weighted = 0;
    for (const sensor of this.sensors.keys()) counts[this.levelOf(sensor)] += 1;
    for (const [{ length_m }, { speed_ratio }] of this.#measured()) {
      weight += length_m ?? 1;
      weighted += speed_ratio * (length_m ?? 1);
    }
    return {
      links: this.sensors.size,
      reporting: [...this.sensors.keys()].filter((id) => this.isFresh(this.readings.get(id))).length,
      ratio: weight ? weighted / weight : null,
      active: [...this.incidents.values()].filter(isActive).length,
      rate: received / (Math.min(RATE_WINDOW_MS, now - this.#began) / 1000),
      counts,
    };
  }
}

export function isActive(incident) {
  return incident.status !== "cleared" && !incident.cleared_at;
}
