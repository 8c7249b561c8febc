// How values read on the page, and elements made from them. Feeds' text only ever becomes text nodes, never markup.

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const KINDS = { road_works: "Road works", collision: "Collision", breakdown: "Breakdown", weather: "Weather" };

export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function number(value, unit, digits = 0) {
  return value == null ? "–" : `${value.toFixed(digits)} ${unit}`;
}

export function duration(seconds) {
  if (seconds == null) return "–";
  return seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${seconds} s ago`;
  if (minutes < 60) return `${minutes} min ago`;
  return hours < 48 ? `${hours} h ${minutes % 60} min ago` : `${Math.floor(hours / 24)} days ago`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB", CLOCK);
}

// The day, said only when it is not today's: a replay shows another year.
export function dayAndZone(milliseconds) {
  const at = new Date(milliseconds);
  const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(at).at(-1).value;
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  return at.toDateString() === new Date().toDateString() ? zone : `${zone}, ${day}`;
}

export function incidentTitle({ kind, road, area }) {
  const what = KINDS[kind] ?? (kind === "other" ? "Incident" : kind[0].toUpperCase() + kind.slice(1));
  const where = road ?? area;
  return where ? `${what}, ${where}` : what;
}

export function speedLine(network, id) {
  const sensor = network.sensors.get(id);
  const reading = network.readings.get(id);
  const speed = network.isFresh(reading) ? number(reading.speed_kmh, "km/h") : "no data";
  return element("span", {}, element("b", {}, speed), ` ${sensor?.name ?? id}`);
}
