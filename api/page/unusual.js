// What lasts and is not as it normally is: of each sensor its most unusual anomaly. No drawing here.

import { ask } from "./asking.js";

const MOST = 1_000;
const LOOKED_BACK = "latest-28d"; // for when it began

export class Unusual {
  #items = new Map(); // sensor → anomaly

  async load() {
    const { items } = await ask("anomalies", { from: LOOKED_BACK, lasting: true, limit: MOST });
    const worst = items.sort((a, b) => a.score - b.score); // the last one of a sensor is kept
    this.#items = new Map(worst.map((item) => [item.sensor, { ...item, at: Date.parse(item.time) }]));
  }

  of(sensor) {
    return this.#items.get(sensor);
  }

  // The most unusual first.
  get items() {
    return [...this.#items.values()].sort((a, b) => b.score - a.score);
  }
}
