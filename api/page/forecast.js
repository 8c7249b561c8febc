// What is expected: for each sensor the newest prediction at each horizon. No drawing here.

export const HORIZONS = [0, 15, 30, 60]; // minutes ahead that can be shown; 0 is what is measured now

export class Forecast {
  #items = new Map(); // sensor → horizon in minutes → prediction

  apply({ type, items }) {
    if (type === "snapshot") this.#items.clear();
    for (const item of items) this.#take({ ...item, at: Date.parse(item.time), madeAt: Date.parse(item.made_at) });
  }

  #take(item) {
    if (!this.#items.has(item.sensor)) this.#items.set(item.sensor, new Map());
    const held = this.#items.get(item.sensor);
    if (!(held.get(item.horizon_minutes)?.madeAt > item.madeAt)) held.set(item.horizon_minutes, item);
  }

  // The prediction to show at `now`, ms; none once the time it was made for has come.
  of(sensor, horizon, now) {
    const item = this.#items.get(sensor)?.get(horizon);
    return item && item.at > now ? item : undefined;
  }

  // A sensor's predictions that lie ahead, by time.
  ahead(sensor, now) {
    return [...(this.#items.get(sensor)?.values() ?? [])].filter(({ at }) => at > now).sort((a, b) => a.at - b.at);
  }

  // What can be said of all predictions at a horizon: for when, made when, by what; null where there are none.
  about(horizon, now) {
    const found = [...this.#items.keys()].map((sensor) => this.of(sensor, horizon, now)).filter(Boolean);
    if (!found.length) return null;
    const newest = found.reduce((best, item) => (item.madeAt > best.madeAt ? item : best));
    const models = [...new Set(found.map(({ model }) => model || "a model without a name"))].sort();
    return { count: found.length, at: newest.at, madeAt: newest.madeAt, models };
  }

  // Why none can be shown at any horizon; null where one can.
  whyNone(now) {
    if (HORIZONS.some((horizon) => horizon && this.about(horizon, now))) return null;
    const made = [...this.#items.values()].flatMap((held) => [...held.values()]).map(({ madeAt }) => madeAt);
    if (!made.length) return { why: "nothing has been predicted" };
    return { why: "the newest has passed, it was made at", madeAt: Math.max(...made) };
  }
}
