// A link's last 24 hours beside what is normal and what is expected there: numbers, no drawing.

import { ask } from "./asking.js";

export const DAY_MS = 24 * 60 * 60_000;
const AHEAD_MS = 75 * 60_000;
export const BUCKET_MS = 5 * 60_000;
const SLOT_MS = 15 * 60_000;
const DAY_TYPES = { Sat: "saturday", Sun: "sunday" };
const FORMAT = {
  weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
};

// What the API knows of the day before `end`, ms, and of what is normal.
export async function loadDay(sensor, end, signal) {
  const path = `sensors/${encodeURIComponent(sensor)}`;
  const span = { from: new Date(end - DAY_MS).toISOString(), to: new Date(end + BUCKET_MS).toISOString() };
  const [history, pattern] = await Promise.all([
    ask(`${path}/history`, { ...span, level: "5m" }, signal),
    ask(`${path}/pattern`, { limit: 1000 }, signal),
  ]);
  return new LinkDay(history.items, pattern);
}

export class LinkDay {
  #measured; // time in ms → speed, km/h
  #normal; // "weekday 480" → the pattern's row
  #holidays; // YYYY-MM-DD, which count as Sundays
  #local;
  #slots = new Map(); // time in ms of a quarter of an hour → its key in #normal

  constructor(history, { items, time_zone, holidays, span_start, span_end }) {
    this.normalFrom = Date.parse(span_start);
    this.normalTo = Date.parse(span_end); // NaN where nothing is known to be normal
    this.#holidays = new Set(holidays);
    const measured = history.filter(({ speed_kmh }) => speed_kmh != null);
    this.#measured = new Map(measured.map(({ time, speed_kmh }) => [Date.parse(time), speed_kmh]));
    this.#normal = new Map(items.map((row) => [`${row.day_type} ${row.minute}`, row]));
    this.#local = new Intl.DateTimeFormat("en-US", { ...FORMAT, timeZone: time_zone });
  }

  // Takes a reading that came since; true where it is new.
  add(reading) {
    if (reading?.speed_kmh == null || this.#measured.has(reading.at)) return false;
    this.#measured.set(reading.at, reading.speed_kmh);
    return true;
  }

  // The pattern's row for a time: by kind of day and quarter of an hour, both local to the city.
  normalAt(time) {
    const slot = time - (time % SLOT_MS);
    if (!this.#slots.has(slot)) this.#slots.set(slot, this.#keyOf(slot));
    return this.#normal.get(this.#slots.get(slot));
  }

  #keyOf(slot) {
    const parts = Object.fromEntries(this.#local.formatToParts(slot).map(({ type, value }) => [type, value]));
    const isHoliday = this.#holidays.has(`${parts.year}-${parts.month}-${parts.day}`);
    const dayType = isHoliday ? "sunday" : DAY_TYPES[parts.weekday] ?? "weekday";
    return `${dayType} ${Number(parts.hour) * 60 + Number(parts.minute)}`;
  }

  // Rows by time, each { time, speed, normal, expected }, of the day before `end` and of the predictions ahead. A row's
  // speed is null where a stretch without any begins, undefined where there is merely none at its time.
  rows(end, ahead) {
    const start = end - DAY_MS;
    const expected = new Map(ahead.map((item) => [item.at, item]));
    const times = new Set([...expected.keys(), ...[...this.#measured.keys()].filter((at) => at >= start && at <= end)]);
    const last = ahead.length ? end + AHEAD_MS : end;
    for (let slot = start - (start % SLOT_MS) + SLOT_MS; slot <= last; slot += SLOT_MS) times.add(slot);
    const rows = [...times].sort((a, b) => a - b).map((time) => ({
      time, speed: this.#measured.get(time), normal: this.normalAt(time), expected: expected.get(time),
    }));
    return markGaps(rows);
  }
}

function markGaps(rows) {
  let before = -Infinity;
  for (const row of rows) {
    if (row.speed !== undefined) before = row.time;
    else if (row.time - before > SLOT_MS) row.speed = null;
  }
  return rows;
}
