// The live page: joins the network's state, the connection that feeds it and the map and panels that show it.

import { Connection } from "./connection.js";
import { TrafficMap } from "./map.js";
import { Network } from "./network.js";
import * as panels from "./panels.js";

const REFRESH_MS = 500;
const SENSORS_AGAIN_MS = 2_000;
const QUIET_AFTER_MS = 120_000;

const network = new Network();
const map = new TrafficMap(document.getElementById("map"), network, showSelected);
let selected = null;
let state = "connecting";
let retryAt = 0;
let sensorsAskedAt = -Infinity;
let sensorsDue = true;
let dirty = true;

function showSelected(sensor) {
  selected = sensor;
  panels.showDetails(network, selected, () => map.select(null));
}

function selectLink(sensor) {
  collapseSheet();
  map.select(sensor, { show: true });
}

function selectIncident(id) {
  collapseSheet();
  map.showIncident(network.incidents.get(id));
}

async function loadSensors() {
  sensorsDue = false;
  sensorsAskedAt = performance.now();
  const response = await fetch("api/v1/sensors");
  if (!response.ok) throw new Error(`The list of sensors was answered with status ${response.status}.`);
  network.setSensors((await response.json()).items);
  map.drawSensors();
  map.drawIncidents(selectIncident);
  dirty = true;
  refresh();
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

function receive(message) {
  if (message.topic === "traffic") receiveTraffic(message);
  if (message.topic === "incidents") {
    network.applyIncidents(message);
    map.drawIncidents(selectIncident);
  }
  document.body.dataset.lastUpdate = new Date().toISOString();
  dirty = true;
  if (message.type === "snapshot") refresh();
}

function receiveTraffic(message) {
  const shown = (id) => Math.round(network.readings.get(id)?.speed_kmh ?? -1);
  const before = new Map(message.items.map(({ sensor }) => [sensor, shown(sensor)]));
  const changed = network.applyTraffic(message);
  const pulsing = message.type === "update" ? changed.filter((id) => shown(id) !== before.get(id)) : [];
  map.update(changed, pulsing);
}

function changeState(next, retryIn) {
  if (next === "live" && state === "stale") sensorsDue = true;
  state = next;
  retryAt = performance.now() + retryIn;
  panels.showState(state);
  showBanner();
}

function showBanner() {
  const quiet = performance.now() - network.lastArrived;
  if (state === "stale") {
    panels.showBanner("Connection lost: what you see is no longer current.", retryAt - performance.now());
  } else if (state === "live" && quiet > QUIET_AFTER_MS) {
    panels.showBanner(`Connected, but no reading has arrived for ${Math.floor(quiet / 60_000)} min.`);
  } else {
    panels.showBanner("");
  }
}

// Numbers and lists follow at a pace a person can read, however fast readings arrive.
function refresh() {
  showBanner();
  if (state !== "stale") askForSensors();
  if (dirty) {
    panels.showIncidents(network, selectIncident);
    panels.showSlowest(network, selectLink);
    map.repaintAll();
    dirty = false;
  }
  panels.showNumbers(network);
  if (selected) showSelected(selected);
}

const sheet = document.getElementById("sheet");
sheet.onclick = () => sheet.setAttribute("aria-expanded", String(sheet.getAttribute("aria-expanded") !== "true"));
function collapseSheet() {
  sheet.setAttribute("aria-expanded", "false");
}
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") map.select(null);
});

panels.drawLegend();
panels.showState(state);
map.drawLand("basemap.geojson").catch(() => console.warn("The base map could not be loaded."));
const address = new URL("ws/traffic", location.href);
address.protocol = address.protocol.replace("http", "ws");
const connection = new Connection(address, ["traffic", "incidents"], { onState: changeState, onMessage: receive });
document.getElementById("retry").onclick = () => connection.retry();
setInterval(refresh, REFRESH_MS);
refresh();

// For tests and the console: to look, not to touch.
Object.defineProperty(window, "urbanclear", {
  value: Object.freeze({
    get links() {
      return map.linkCount;
    },
    speedOf: (sensor) => network.readings.get(sensor)?.speed_kmh ?? null,
    colourOf: (sensor) => map.colourOf(sensor),
  }),
});
