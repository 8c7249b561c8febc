// A link's day as a chart: what was measured over the normal band, and what is expected with its interval. uPlot's
// `uPlot` is a global.

import { element } from "./elements.js";
import { minuteOf } from "./words.js";

const HEIGHT = 170;
const [LOWER, UPPER, NORMAL, SPEED, EXPECTED_LOWER, EXPECTED_UPPER, EXPECTED] = [1, 2, 3, 4, 5, 6, 7];

export class Chart {
  #box;
  #readout;
  #plot = null;
  #rows = [];

  constructor(box, readout) {
    this.#box = box;
    this.#readout = readout;
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#width(), height: HEIGHT })).observe(box);
    document.addEventListener("theme", () => this.#build());
  }

  // Rows as `LinkDay.rows` makes them; `summary` is what a reader who does not see it is told.
  show(rows, summary) {
    this.#rows = rows;
    this.#box.setAttribute("aria-label", summary);
    if (this.#plot) this.#plot.setData(columnsOf(rows));
    else this.#build();
  }

  clear() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#rows = [];
    this.#readout.textContent = "";
  }

  #width() {
    return Math.max(200, this.#box.clientWidth);
  }

  #build() {
    this.#plot?.destroy();
    this.#plot = null;
    if (!this.#rows.length) return;
    const options = { ...optionsOf(colours()), width: this.#width(), height: HEIGHT };
    options.hooks = { setCursor: [({ cursor }) => this.#read(cursor.idx)] };
    this.#plot = new uPlot(options, columnsOf(this.#rows), this.#box);
  }

  #read(index) {
    const row = index == null ? undefined : this.#rows[index];
    this.#readout.replaceChildren(...(row ? [element("b", {}, minuteOf(row.time)), ` ${wordsOf(row)}`] : []));
  }
}

export function wordsOf({ speed, normal, expected }) {
  const words = [];
  if (speed != null) words.push(`${speed.toFixed(0)} km/h`);
  if (expected) words.push(`forecast ${expected.speed_kmh.toFixed(0)} km/h${range(expected)}`);
  if (normal) words.push(`normal ${normal.speed_kmh.toFixed(0)}${range(normal)}`);
  return words.join(", ");
}

export function range({ lower_kmh, upper_kmh }) {
  return lower_kmh == null || upper_kmh == null ? "" : ` (${lower_kmh.toFixed(0)}–${upper_kmh.toFixed(0)})`;
}

function columnsOf(rows) {
  const columns = [rows.map(({ time }) => time / 1000)];
  columns[LOWER] = rows.map(({ normal }) => normal?.lower_kmh ?? null);
  columns[UPPER] = rows.map(({ normal }) => normal?.upper_kmh ?? null);
  columns[NORMAL] = rows.map(({ normal }) => normal?.speed_kmh ?? null);
  columns[SPEED] = rows.map(({ speed }) => speed);
  const last = rows.findLastIndex(({ speed }) => speed != null);
  const anyExpected = rows.some(({ expected }) => expected);
  const expect = (name) => rows.map(({ expected, speed }, index) =>
    expected ? expected[name] ?? null : anyExpected && index === last ? speed : null);
  columns[EXPECTED_LOWER] = expect("lower_kmh");
  columns[EXPECTED_UPPER] = expect("upper_kmh");
  columns[EXPECTED] = expect("speed_kmh");
  return columns;
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { text: of("quiet"), grid: of("line"), speed: of("accent"), band: of("band"), normal: of("quiet"),
    expected: of("forecast"), interval: of("forecast-band") };
}

function optionsOf({ text, grid, speed, band, normal, expected, interval }) {
  const hidden = { stroke: "transparent", width: 0, points: { show: false } };
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, size: 4 }, font: "11px sans-serif" };
  return {
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false } },
    padding: [8, 20, 0, 0], // to the right half of a time, so that the last is not cut off
    scales: { y: { range: (_, __, most) => [0, Math.max(20, most * 1.08)] } },
    axes: [
      { ...axis, size: 26, space: 60, values: (_, times) => times.map((time) => minuteOf(time * 1000)) },
      { ...axis, size: 36, space: 30 },
    ],
    bands: [
      { series: [UPPER, LOWER], fill: band },
      { series: [EXPECTED_UPPER, EXPECTED_LOWER], fill: interval },
    ],
    series: [
      {},
      hidden,
      hidden,
      { stroke: normal, width: 1, dash: [2, 3], points: { show: false } },
      { stroke: speed, width: 2, points: { size: 4 } },
      { ...hidden, spanGaps: true },
      { ...hidden, spanGaps: true },
      { stroke: expected, width: 2, dash: [6, 4], spanGaps: true, points: { show: true, size: 4, fill: expected } },
    ],
  };
}
