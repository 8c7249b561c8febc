// The lists beside the map: incidents, work zones, the slowest links, bottlenecks, what was looked for.

import { at, element, replaceItems, say } from "./elements.js";
import { isActive } from "./network.js";
import { age, count, dayName, hours, incidentTitle, number, percent, unusualSpeeds, unusualTitle } from "./words.js";

const INCIDENTS_SHOWN = 30;
const WORK_ZONES_SHOWN = 100;
const RANKED_SHOWN = 8;
const FOUND_SHOWN = 6;

export function showIncidents(network, onSelect) {
  const items = network.newestIncidents(INCIDENTS_SHOWN, { workZones: false });
  at("no-incidents").hidden = items.length > 0;
  replaceItems(at("incidents"), items, ({ id }) => id, (item) => incidentRow(item, network), onSelect);
}

export function showWorkZones(network, onSelect) {
  const items = network.newestIncidents(WORK_ZONES_SHOWN, { workZones: true });
  say("work-zone-count", String(items.filter(isActive).length));
  at("no-work-zones").hidden = items.length > 0;
  replaceItems(at("work-zones"), items, ({ id }) => id, (item) => incidentRow(item, network), onSelect);
}

function incidentRow(item, network) {
  const active = isActive(item);
  const since = age(network.dataNow() - Date.parse(item.started_at ?? item.time));
  const lanes = item.lanes_blocked ? `${count(item.lanes_blocked, "lane")} blocked` : "";
  const facts = [active ? item.severity : "cleared", network.newest ? since : "", lanes].filter(Boolean).join(" · ");
  const shape = item.kind === "road_works" ? "cone" : `dot severity-${item.severity}`;
  return [
    element("i", { class: `${shape}${active ? "" : " cleared"}` }),
    element("b", {}, incidentTitle(item)),
    element("small", {}, facts),
    element("span", {}, item.description ?? ""),
  ];
}

export function showSlowest(network, onSelect) {
  const items = network.slowest(RANKED_SHOWN).map(([sensor]) => sensor);
  say("slowest-tab", network.horizon ? `Slowest in ${network.horizon} min` : "Slowest now");
  at("no-slowest").hidden = items.length > 0;
  say("no-slowest", network.horizon ? "No forecast for this time." : "No link reports a speed.");
  const row = (item) => linkRow(item, network);
  replaceItems(at("slowest"), items, ({ sensor }) => sensor, row, ({ sensor }) => onSelect(sensor));
}

function linkRow({ sensor, name }, network) {
  const shown = network.shown(sensor);
  return [
    levelSign(sensor, network),
    element("span", { title: name || sensor }, name || sensor),
    element("b", {}, number(shown?.speed_kmh, "km/h")),
    element("small", {}, percent(shown?.speed_ratio)),
  ];
}

function levelSign(sensor, network) {
  const level = network.shown(sensor)?.los ?? "–";
  return element("i", { class: `level ${network.levelOf(sensor)}`, title: `Level of service ${level}` }, level);
}

// `bottlenecks` are those of one day, by rank.
export function showBottlenecks(network, bottlenecks, onSelect) {
  const items = bottlenecks.filter((item) => network.isInArea(item)).slice(0, RANKED_SHOWN);
  at("no-bottlenecks").hidden = items.length > 0;
  say("bottleneck-day", items.length ? `${dayName(items[0].day)}, by delay` : "");
  const keyOf = ({ sensor, started_at }) => `${sensor}/${started_at}`;
  replaceItems(at("bottlenecks"), items, keyOf, bottleneckRow, ({ sensor }) => onSelect(sensor));
}

function bottleneckRow({ rank, name, sensor, active_minutes, max_extent_m, vehicle_hours_of_delay, delay_s_per_vehicle }) {
  const [delay, what] = vehicle_hours_of_delay == null
    ? [number(delay_s_per_vehicle, "s"), "lost by each vehicle, mean"]
    : [number(vehicle_hours_of_delay, "veh·h"), "vehicle hours lost"];
  const queue = max_extent_m ? `, queue up to ${number(max_extent_m / 1000, "km", 1)}` : "";
  return [
    element("i", { class: "rank" }, String(rank)),
    element("span", { title: name || sensor }, name || sensor),
    element("b", { title: what }, delay),
    element("small", {}, `${hours(active_minutes)}${queue}`),
  ];
}

export function showUnusual(network, onSelect) {
  const items = network.mostUnusual();
  say("unusual-count", items.length > RANKED_SHOWN ? `${RANKED_SHOWN} of ${items.length}` : "");
  at("no-unusual").hidden = items.length > 0;
  const row = ([sensor, anomaly]) => unusualRow(sensor, anomaly, network);
  const shown = items.slice(0, RANKED_SHOWN);
  replaceItems(at("unusual"), shown, ([{ sensor }]) => sensor, row, ([{ sensor }]) => onSelect(sensor));
}

function unusualRow({ sensor, name }, anomaly, network) {
  const facts = [unusualTitle(anomaly), unusualSpeeds(anomaly)].filter(Boolean).join(": ");
  return [
    levelSign(sensor, network),
    element("span", { title: name || sensor }, name || sensor),
    element("b", {}, age(network.dataNow() - anomaly.at)),
    element("small", {}, facts),
  ];
}

export function showFound(network, text, onSelect) {
  const { total, first } = network.find(text, FOUND_SHOWN);
  const more = total > first.length ? `, the first ${first.length} are shown` : "";
  say("found-count", text.trim() ? `${count(total, "link")} found${more}` : "");
  const row = (item) => linkRow(item, network);
  replaceItems(at("found"), first, ({ sensor }) => sensor, row, ({ sensor }) => onSelect(sensor));
}

export function showAreas(network) {
  const select = at("area");
  const names = network.areas();
  if (select.options.length === names.length + 1) return;
  const chosen = network.area;
  const options = names.map((name) => element("option", { value: name }, name));
  select.replaceChildren(element("option", { value: "" }, "All areas"), ...options);
  select.value = chosen;
}
