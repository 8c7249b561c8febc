// Everything around the map: the header's numbers, the banner, the lists, the legend, the selected link.

import { LEVELS, isActive } from "./network.js";
import { age, clock, dayAndZone, duration, element, incidentTitle, number } from "./words.js";

const INCIDENTS_SHOWN = 30;
const SLOWEST_SHOWN = 8;
const STATES = { connecting: "Connecting", live: "Live", stale: "Disconnected" };
const at = (id) => document.getElementById(id);

export function showState(state) {
  document.documentElement.dataset.state = state;
  at("state").textContent = STATES[state];
}

// `retryIn` is null where there is nothing to retry; the countdown is kept out of what a screen reader hears.
export function showBanner(text, retryIn = null) {
  at("banner").hidden = !text;
  if (at("banner-text").textContent !== text) at("banner-text").textContent = text;
  at("countdown").textContent = retryIn === null ? "" : `Next try in ${Math.max(0, Math.ceil(retryIn / 1000))} s.`;
  at("retry").hidden = retryIn === null;
}

export function showNumbers(network) {
  const { links, reporting, ratio, active, rate, counts } = network.summary();
  at("reporting").textContent = reporting;
  at("of-links").textContent = `of ${links}`;
  at("ratio").textContent = ratio === null ? "–" : Math.round(ratio * 100);
  at("active").textContent = active;
  at("rate").textContent = rate < 10 ? rate.toFixed(1) : Math.round(rate);
  at("sheet").textContent = `${active} active ${active === 1 ? "incident" : "incidents"}, slowest links`;
  for (const { name } of LEVELS) at(`count-${name}`).textContent = counts[name];
  if (!network.newest) return;
  const [time, day] = [element("b", {}, clock(network.newest)), element("span", {}, dayAndZone(network.newest))];
  at("clock").dateTime = new Date(network.newest).toISOString();
  at("clock").replaceChildren(time, " ", day);
}

export function drawLegend() {
  const rows = LEVELS.map(({ name, label, meaning }) =>
    element("li", {},
      element("i", { class: `swatch ${name}` }), element("b", {}, label), element("span", {}, meaning),
      element("span", { class: "count", id: `count-${name}` }, "–")));
  at("legend").replaceChildren(element("ul", {}, ...rows));
}

export function showIncidents(network, onSelect) {
  const items = network.newestIncidents(INCIDENTS_SHOWN);
  at("no-incidents").hidden = items.length > 0;
  replaceItems(at("incidents"), items, "id", (item) => incidentButton(item, network), onSelect);
}

function incidentButton(item, network) {
  const active = isActive(item);
  const since = age(network.dataNow() - Date.parse(item.started_at ?? item.time));
  const blocked = item.lanes_blocked;
  const lanes = blocked ? `${blocked} ${blocked === 1 ? "lane" : "lanes"} blocked` : "";
  const facts = [active ? item.severity : "cleared", network.newest ? since : "", lanes].filter(Boolean).join(" · ");
  return [
    element("i", { class: `dot severity-${item.severity}${active ? "" : " cleared"}` }),
    element("b", {}, incidentTitle(item)),
    element("small", {}, facts),
    element("span", {}, item.description ?? ""),
  ];
}

export function showSlowest(network, onSelect) {
  const items = network.slowest(SLOWEST_SHOWN).map(([sensor]) => sensor);
  replaceItems(at("slowest"), items, "sensor", (item) => slowButton(item, network), onSelect);
}

function slowButton({ sensor, name }, network) {
  const { speed_kmh, speed_ratio } = network.readings.get(sensor);
  return [
    element("i", { class: `swatch ${network.levelOf(sensor)}` }),
    element("span", { title: name || sensor }, name || sensor),
    element("b", {}, number(speed_kmh, "km/h")),
    element("small", {}, `${Math.round(speed_ratio * 100)} %`),
  ];
}

// Keeps each row's button while its item stays, so that keyboard focus is not lost when the list changes.
function replaceItems(list, items, keyName, contentOf, onSelect) {
  const held = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const focused = document.activeElement;
  const rows = items.map((item) => {
    const key = item[keyName];
    const row = held.get(key) ?? element("li", { "data-key": key }, element("button", { type: "button" }));
    row.firstChild.onclick = () => onSelect(key);
    row.firstChild.replaceChildren(...contentOf(item));
    return row;
  });
  if (rows.some((row, index) => list.children[index] !== row) || rows.length !== list.children.length) {
    list.replaceChildren(...rows);
    if (list.contains(focused)) focused.focus({ preventScroll: true });
  }
}

export function showDetails(network, sensor, onClose) {
  const panel = at("details");
  const known = network.sensors.get(sensor);
  panel.hidden = !known;
  if (!known) return;
  if (panel.dataset.sensor !== sensor) {
    panel.dataset.sensor = sensor;
    const close = element("button", { type: "button", "aria-label": "Close" }, "×");
    close.onclick = onClose;
    panel.replaceChildren(close, element("h2", {}, known.name || sensor), element("p", {}), element("dl", {}));
  }
  panel.querySelector("p").textContent = [known.road, known.direction, known.area].filter(Boolean).join(" · ");
  const rows = detailRows(known, network.readings.get(sensor), network);
  panel.querySelector("dl").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function detailRows(sensor, reading, network) {
  const free = reading?.free_flow_speed_kmh ?? sensor.free_flow_speed_kmh;
  const share = reading?.speed_ratio == null ? "" : ` (${Math.round(reading.speed_ratio * 100)} %)`;
  const rows = [
    ["Speed", number(reading?.speed_kmh, "km/h") + share],
    ["Free flow", number(free, "km/h")],
    ["Level of service", reading?.los ?? "–"],
    ["Travel time", duration(reading?.travel_time_s)],
    ["Length", number(sensor.length_m == null ? null : sensor.length_m / 1000, "km", 1)],
  ];
  if (reading?.volume_vph != null) rows.push(["Volume", number(reading.volume_vph, "veh/h")]);
  if (reading?.occupancy != null) rows.push(["Occupancy", number(reading.occupancy * 100, "%")]);
  rows.push(["Measured", reading ? age(network.dataNow() - reading.at) : "never"]);
  return rows;
}
