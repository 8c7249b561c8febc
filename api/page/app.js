// The live page: joins the network's state, the connection that feeds it, and the map and lists that show it.

import * as address from "./address.js";
import { AlertPanel } from "./alert.js";
import { showAlerts, Silences } from "./alerts.js";
import { Announcer } from "./announcer.js";
import { ask, askAll } from "./asking.js";
import { Connection } from "./connection.js";
import { Details } from "./details.js";
import { at, joinTabs } from "./elements.js";
import { askForKey } from "./key.js";
import * as lists from "./lists.js";
import { TrafficMap } from "./map.js";
import { Network } from "./network.js";
import * as panels from "./panels.js";
import { RoutePanel } from "./route.js";
import { loadSkill } from "./skill.js";
import { Slider } from "./slider.js";

const REFRESH_MS = 500;
const SENSORS_AGAIN_MS = 2_000;
const BATCH_AGAIN_MS = 60_000;
const QUIET_AFTER_MS = 120_000;
const TOPICS = ["traffic", "incidents", "predictions", "alerts"];

const network = new Network();
const announcer = new Announcer();
const asked = address.read();
let place = asked?.place ?? null;
let wantedLink = asked?.link ?? null;
Object.assign(network, { horizon: asked?.horizon ?? 0, area: asked?.area ?? "" });
const map = new TrafficMap(at("map"), network, place, { onSelect: showSelected, onMove: keepPlace });
const details = new Details(network, () => map.select(null));
const silences = new Silences(() => (dirty = true));
network.isSilenced = (alert) => silences.mutes(alert);
const alertPanel = new AlertPanel(network, silences, { onLink: selectLink, onChange: refreshAll });
const slider = new Slider(network, showHorizon);
const route = new RoutePanel(network, map, keepAddress);
let bottlenecks = [];
let state = "connecting";
let retryAt = 0;
let sensorsAskedAt = -Infinity;
let sensorsDue = true;
let dirty = true;

function showSelected(sensor) {
  if (sensor) alertPanel.close({ giveBack: false });
  if (sensor) details.open(sensor);
  else details.close();
  keepAddress();
}

function selectLink(sensor) {
  const opener = document.activeElement;
  collapseSheet();
  map.select(sensor, { show: true });
  details.takeFocus(opener);
}

function selectIncident(incident) {
  collapseSheet();
  map.showIncident(incident);
}

function selectAlert(alert) {
  const opener = document.activeElement;
  collapseSheet();
  map.select(null);
  alertPanel.open(alert.id, opener);
  map.showAlert(alert);
}

function keepPlace(next) {
  place = next;
  keepAddress();
}

function keepAddress() {
  const { horizon, area } = network;
  address.write({ place, link: details.sensor ?? wantedLink, horizon, area, way: route.places });
}

function showHorizon(horizon) {
  network.horizon = horizon;
  keepAddress();
  if (route.places) route.load();
  refreshAll();
}

function showArea(area) {
  network.area = area;
  map.drawSensors();
  map.fit();
  map.drawIncidents(selectIncident);
  map.drawUnusual();
  map.drawAlerts();
  keepAddress();
  refreshAll();
}

async function loadSensors() {
  sensorsDue = false;
  sensorsAskedAt = performance.now();
  network.setSensors(await askAll("sensors"));
  map.drawSensors();
  map.drawIncidents(selectIncident);
  map.drawUnusual();
  map.drawAlerts();
  lists.showAreas(network);
  openWantedLink();
  refreshAll();
}

function openWantedLink() {
  if (!wantedLink || !network.sensors.has(wantedLink)) return;
  const link = wantedLink;
  wantedLink = null;
  map.select(link, { show: !place });
}

// New sensors may appear at any time: asked for at the start, after a reconnection and when a reading names one.
function askForSensors() {
  const due = sensorsDue || !network.sensors.size || network.hasUnknownSensors();
  if (!due || performance.now() - sensorsAskedAt < SENSORS_AGAIN_MS) return;
  loadSensors().catch((error) => {
    sensorsDue = true;
    console.warn(error.message);
  });
}

async function loadBottlenecks() {
  const { items } = await ask("bottlenecks", { from: "latest-7d", to: "now", limit: 200 });
  bottlenecks = items.filter(({ day }) => day === items[0].day);
  dirty = true;
}

async function loadUnusual() {
  await network.unusual.load();
  map.drawUnusual();
  dirty = true;
}

// What is computed now and then, not as it happens.
function askForBatch() {
  for (const load of [loadBottlenecks, loadUnusual, loadSkill, () => silences.load()]) load().catch((error) => console.warn(error.message));
  if (route.places) route.load();
}

function receive(message) {
  if (message.topic === "traffic") receiveTraffic(message);
  if (message.topic === "predictions") network.forecast.apply(message);
  if (message.topic === "alerts") {
    network.applyStates(network.alerts, message);
    map.drawAlerts();
  }
  if (message.topic === "incidents") {
    network.applyStates(network.incidents, message);
    map.drawIncidents(selectIncident);
  }
  if (message.topic === "alerts" || message.topic === "incidents") announcer.note(message.topic, message);
  document.body.dataset.lastUpdate = new Date().toISOString();
  dirty = true;
  if (message.type === "snapshot") refresh();
  if (message.type === "snapshot" && message.topic === "traffic" && route.places) route.load();
}

function receiveTraffic(message) {
  const shown = (id) => Math.round(network.readings.get(id)?.speed_kmh ?? -1);
  const before = new Map(message.items.map(({ sensor }) => [sensor, shown(sensor)]));
  const changed = network.applyTraffic(message);
  const moved = message.type === "update" && !network.horizon;
  map.update(changed, moved ? changed.filter((id) => shown(id) !== before.get(id)) : []);
}

function changeState(next, retryIn) {
  if (next === "live" && state === "stale") {
    sensorsDue = true;
    details.reload();
  }
  state = next;
  retryAt = performance.now() + retryIn;
  panels.showState(state);
  showBanner();
  if (state === "locked") giveKey();
}

async function giveKey(wish) {
  if (await askForKey(wish)) connection.retry();
}

function showBanner() {
  const quiet = performance.now() - network.lastArrived;
  if (state === "stale") {
    const seconds = Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
    panels.showBanner("Connection lost: what you see is no longer current.", "Retry now", `Next try in ${seconds} s.`);
  } else if (state === "locked") {
    panels.showBanner("This server asks for a key.", "Enter key");
  } else if (state === "live" && quiet > QUIET_AFTER_MS) {
    panels.showBanner(`Connected, but no reading has arrived for ${Math.floor(quiet / 60_000)} min.`);
  } else {
    panels.showBanner("");
  }
}

function refreshAll() {
  dirty = true;
  refresh();
}

// Numbers and lists follow at a pace a person can read, however fast readings arrive.
function refresh() {
  showBanner();
  if (state !== "stale" && state !== "locked") askForSensors();
  if (dirty) {
    dirty = false;
    showAlerts(network, selectAlert);
    lists.showIncidents(network, selectIncident);
    lists.showWorkZones(network, selectIncident);
    lists.showSlowest(network, selectLink);
    lists.showBottlenecks(network, bottlenecks, selectLink);
    lists.showUnusual(network, selectLink);
    map.repaintAll();
  }
  slider.show();
  panels.showNumbers(network);
  announcer.speak();
  details.show();
  alertPanel.show();
}

const sheet = at("sheet");
sheet.onclick = () => sheet.setAttribute("aria-expanded", String(sheet.getAttribute("aria-expanded") !== "true"));
function collapseSheet() {
  sheet.setAttribute("aria-expanded", "false");
}

addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || at("key").open) return;
  alertPanel.close();
  map.select(null);
});
addEventListener("hashchange", () => {
  const next = address.read();
  if (!next) return;
  if (next.place) map.goTo(next.place);
  if (next.area !== network.area) showArea((at("area").value = next.area));
  wantedLink = next.link;
  if (next.link) openWantedLink();
  else map.select(null);
  route.goTo(next.way, !next.place);
  showHorizon(next.horizon);
});
at("find").oninput = () => lists.showFound(network, at("find").value, selectLink);
at("area").onchange = () => showArea(at("area").value);
joinTabs(at("rankings"));

panels.drawLegend();
panels.showState(state);
const server = new URL("ws/traffic", location.href);
server.protocol = server.protocol.replace("http", "ws");
server.hash = "";
const connection = new Connection(server, TOPICS, { onState: changeState, onMessage: receive });
at("retry").onclick = () => (state === "locked" ? giveKey({ again: true }) : connection.retry());
if (asked?.way) route.goTo(asked.way, !asked.place);
askForBatch();
setInterval(askForBatch, BATCH_AGAIN_MS);
setInterval(refresh, REFRESH_MS);
refresh();

// For tests and the console: to look, not to touch.
Object.defineProperty(window, "urbanclear", {
  value: Object.freeze({
    get links() {
      return map.linkCount;
    },
    speedOf: (sensor) => network.readings.get(sensor)?.speed_kmh ?? null,
    get ringed() {
      return map.ringed;
    },
    get alerted() {
      return map.alerted;
    },
    radiusOf: (sensor) => map.radiusOf(sensor),
    colourOf: (sensor) => map.colourOf(sensor),
  }),
});
