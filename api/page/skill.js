// How good forecasts of the last 24 hours were, beside the last speed known: a small table below the slider.

import { ask } from "./asking.js";
import { at, element, say } from "./elements.js";
import { HORIZONS } from "./forecast.js";
import { percent } from "./words.js";

export async function loadSkill() {
  const { items } = await ask("predictions/skill", { from: "latest-24h", to: "now", limit: 1000 });
  const model = mostUsed(items);
  const rows = items.filter((item) => item.model === model && HORIZONS.includes(item.horizon_minutes));
  at("skill").hidden = !rows.length;
  if (!rows.length) return;
  say("skill-model", `${model}, last 24 hours`);
  at("skill-rows").replaceChildren(...rows.map((row) =>
    element("tr", {},
      element("th", { scope: "row" }, `+${row.horizon_minutes} min`),
      element("td", {}, kmh(row.mae_kmh)),
      element("td", {}, kmh(row.persistence_mae_kmh)),
      element("td", {}, percent(row.coverage)))));
}

// The model that made most of them.
function mostUsed(items) {
  const counts = new Map();
  for (const { model, predictions } of items) counts.set(model, (counts.get(model) ?? 0) + predictions);
  return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a))[0];
}

function kmh(value) {
  return value == null ? "–" : value.toFixed(1);
}
