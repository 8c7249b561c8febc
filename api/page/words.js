// How values read on the page.

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const UNUSUAL = {
  speed_drop: "Slower than normal", speed_rise: "Faster than normal", unlike_neighbours: "Unlike its neighbours",
  level_shift: "Not as in the days before", stuck: "Its readings repeat themselves", silent: "Sends no readings",
};
const OF_SPEED = ["speed_drop", "speed_rise", "unlike_neighbours", "level_shift"];
const KINDS = { road_works: "Road works", collision: "Collision", breakdown: "Breakdown", weather: "Weather" };

export function number(value, unit, digits = 0) {
  if (value == null) return "–";
  const shown = value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${shown} ${unit}`;
}

export function count(amount, one, many = `${one}s`) {
  return `${amount.toLocaleString("en-GB")} ${amount === 1 ? one : many}`;
}

export function duration(seconds) {
  if (seconds == null) return "–";
  return seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

export function hours(minutes) {
  return minutes < 60 ? `${Math.round(minutes)} min` : `${Math.floor(minutes / 60)} h ${Math.round(minutes % 60)} min`;
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const whole = Math.floor(minutes / 60);
  if (seconds < 60) return `${seconds} s ago`;
  if (minutes < 60) return `${minutes} min ago`;
  return whole < 48 ? `${whole} h ${minutes % 60} min ago` : `${Math.floor(whole / 24)} days ago`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB", CLOCK);
}

export function minuteOf(milliseconds) {
  return clock(milliseconds).slice(0, 5);
}

export function zone(milliseconds) {
  return new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(new Date(milliseconds)).at(-1).value;
}

// The day, said only when it is not today's: a replay shows another year.
export function dayAndZone(milliseconds) {
  const when = new Date(milliseconds);
  const isToday = when.toDateString() === new Date().toDateString();
  return isToday ? zone(milliseconds) : `${zone(milliseconds)}, ${dayOf(milliseconds)}`;
}

export function dayOf(milliseconds) {
  return new Date(milliseconds).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

// A calendar day, YYYY-MM-DD, which has no time zone.
export function dayName(day) {
  const options = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" };
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", options);
}

export function incidentTitle({ kind, road, area }) {
  const what = KINDS[kind] ?? (kind === "other" ? "Incident" : kind[0].toUpperCase() + kind.slice(1));
  const where = road ?? area;
  return where ? `${what}, ${where}` : what;
}

export function unusualTitle({ kind }) {
  return UNUSUAL[kind] ?? kind.replaceAll("_", " ");
}

export function unusualSpeeds({ kind, observed, expected }) {
  if (!OF_SPEED.includes(kind) || observed == null || expected == null) return "";
  return `${number(observed, "km/h")}, normally ${number(expected, "km/h")}`;
}

export function percent(share) {
  return share == null ? "–" : `${Math.round(share * 100)} %`;
}
