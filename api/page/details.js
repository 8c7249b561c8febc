// The selected link: what it is, its numbers, its last 24 hours as a chart and as a table.

import { Chart, range } from "./chart.js";
import { BUCKET_MS, DAY_MS, loadDay } from "./day.js";
import { at, element, say } from "./elements.js";
import { age, count, dayOf, duration, minuteOf, number, percent, unusualSpeeds, unusualTitle, zone } from "./words.js";

const AGAIN_MS = 60_000;

export class Details {
  #network;
  #sensor = null;
  #day = null;
  #drawn = ""; // what the chart was drawn from last
  #loading = null;
  #loadedAt = 0;
  #opener = null;
  #chart = new Chart(at("chart"), at("readout"));

  constructor(network, onClose) {
    this.#network = network;
    at("details-close").onclick = onClose;
    at("day-table").ontoggle = () => this.#fillTable();
  }

  get sensor() {
    return this.#sensor;
  }

  open(sensor) {
    if (sensor === this.#sensor) return;
    this.#forget();
    this.#sensor = sensor;
    this.show();
  }

  // The panel has the focus until it is closed, then `opener` has it again, or the sheet that it lies in.
  takeFocus(opener) {
    this.#opener = opener;
    at("details").focus({ preventScroll: true });
  }

  close() {
    if (!this.#sensor) return;
    this.#forget();
    this.show();
    if (this.#opener) (this.#opener.checkVisibility() ? this.#opener : at("sheet")).focus();
    this.#opener = null;
  }

  #forget() {
    this.#loading?.abort();
    this.#loading = this.#day = this.#sensor = null;
    this.#loadedAt = 0;
    this.#drawn = "";
    this.#chart.clear();
    at("day-table").open = false;
    say("day-note", "");
  }

  // What was missed meanwhile is asked for.
  reload() {
    this.#loadedAt = 0;
  }

  show() {
    const known = this.#network.sensors.get(this.#sensor);
    at("details").hidden = !known;
    if (!known) return;
    say("details-name", known.name || this.#sensor);
    say("details-place", [known.road, known.direction, known.area].filter(Boolean).join(" · "));
    this.#showUnusual();
    this.#showNumbers(known);
    this.#askForDay();
    this.#draw();
  }

  #showUnusual() {
    const anomaly = this.#network.unusual.of(this.#sensor);
    at("details-unusual").hidden = !anomaly;
    if (!anomaly) return;
    const since = `since ${age(this.#network.dataNow() - anomaly.at).replace(" ago", "")}`;
    const speeds = unusualSpeeds(anomaly);
    say("details-unusual", `${unusualTitle(anomaly)} ${since}${speeds && `: ${speeds}`}.`);
  }

  #showNumbers(known) {
    const rows = numbersOf(known, this.#network);
    at("details-numbers").replaceChildren(
      ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }

  #askForDay() {
    if (this.#loading || (this.#loadedAt && performance.now() - this.#loadedAt < AGAIN_MS)) return;
    const loading = (this.#loading = new AbortController());
    const taken = (day) => {
      this.#day = day;
      say("day-note", "");
    };
    loadDay(this.#sensor, this.#network.dataNow(), loading.signal)
      .then((day) => loading.signal.aborted || taken(day))
      .catch((error) => loading.signal.aborted || say("day-note", `The last 24 hours could not be loaded: ${error.message}`))
      .finally(() => {
        if (this.#loading !== loading) return;
        this.#loading = null;
        this.#loadedAt = performance.now();
        this.#drawn = "";
        this.#draw();
      });
  }

  #draw() {
    if (!this.#day) return;
    const { sensor, rows, made } = this.#content();
    const drawn = `${sensor} ${rows.length} ${rows.at(-1)?.time} ${made}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const measured = rows.filter(({ speed }) => speed != null);
    at("day").hidden = !rows.length;
    at("key-expected").hidden = !rows.some(({ expected }) => expected);
    say("key-normal", normalWords(this.#day));
    say("day-zone", zone(this.#network.dataNow()));
    if (!measured.length) say("day-note", "No speed was measured in the last 24 hours.");
    this.#chart.show(rows, summaryOf(measured, this.#day.normalAt(this.#network.dataNow()), rows));
    this.#fillTable();
  }

  #content() {
    const reading = this.#network.readings.get(this.#sensor);
    this.#day.add(reading);
    const now = this.#network.dataNow();
    const ahead = this.#network.forecast.ahead(this.#sensor, now);
    const rows = this.#day.rows(Math.max(now - (now % 60_000), reading?.at ?? 0), ahead);
    return { sensor: this.#sensor, rows, made: ahead.map(({ madeAt }) => madeAt).join() + (reading?.at ?? "") };
  }

  #fillTable() {
    const body = at("day-rows");
    if (!at("day-table").open || !this.#day) return body.replaceChildren();
    const { rows } = this.#content();
    const isWhole = ({ speed, time }) => speed != null && time % BUCKET_MS === 0;
    const newest = rows.findLast(({ speed }) => speed != null);
    const isAhead = newest && !rows.some((row) => isWhole(row) && newest.time - row.time < BUCKET_MS);
    const told = rows.filter((row) => row.expected || isWhole(row) || (isAhead && row === newest));
    body.replaceChildren(...told.reverse().map(({ time, speed, normal, expected }) =>
      element("tr", {},
        element("th", { scope: "row" }, minuteOf(time)),
        element("td", {}, speed == null ? "" : speed.toFixed(0)),
        element("td", {}, normal ? normal.speed_kmh.toFixed(0) + range(normal) : ""),
        element("td", {}, expected ? expected.speed_kmh.toFixed(0) + range(expected) : ""))));
  }
}

// Of how many days what is normal is, and until when.
function normalWords({ normalFrom, normalTo }) {
  if (!normalTo) return "normal";
  return `normal, of ${count(Math.round((normalTo - normalFrom) / DAY_MS), "day")} to ${dayOf(normalTo)}`;
}

function summaryOf(measured, normal, rows) {
  const speeds = measured.map(({ speed }) => speed);
  const expected = rows.findLast((row) => row.expected)?.expected;
  return [
    "Speed over the last 24 hours",
    speeds.length ? `between ${Math.min(...speeds).toFixed(0)} and ${Math.max(...speeds).toFixed(0)} km/h` : "none measured",
    normal ? `normal at this time ${normal.speed_kmh.toFixed(0)} km/h${range(normal)}` : "",
    expected ? `forecast for ${minuteOf(expected.at)} ${expected.speed_kmh.toFixed(0)} km/h${range(expected)}` : "",
  ].filter(Boolean).join("; ");
}

function numbersOf(sensor, network) {
  const reading = network.readings.get(sensor.sensor);
  const expected = network.horizon ? network.shown(sensor.sensor) : undefined;
  const share = (shown) => (shown?.speed_ratio == null ? "" : ` (${percent(shown.speed_ratio)})`);
  const rows = [["Speed", number(reading?.speed_kmh, "km/h") + share(reading)]];
  if (network.horizon) {
    const interval = expected ? `${number(expected.speed_kmh, "km/h")}${range(expected)}` : "no forecast";
    rows.push([`In ${network.horizon} min`, interval]);
  }
  rows.push(
    ["Free flow", number(reading?.free_flow_speed_kmh ?? sensor.free_flow_speed_kmh, "km/h")],
    ["Level of service", (network.horizon ? expected?.los : reading?.los) ?? "–"],
    ["Travel time", duration(reading?.travel_time_s)],
    ["Length", number(sensor.length_m == null ? null : sensor.length_m / 1000, "km", 1)],
  );
  if (reading?.volume_vph != null) rows.push(["Volume", number(reading.volume_vph, "veh/h")]);
  if (reading?.occupancy != null) rows.push(["Occupancy", number(reading.occupancy * 100, "%")]);
  rows.push(["Measured", reading ? age(network.dataNow() - reading.at) : "never"]);
  return rows;
}
