// Around the map: the header's numbers, the banner, the legend, what a screen reader is told.

import { countWords } from "./alerts.js";
import { at, element, say } from "./elements.js";
import { LEVELS } from "./network.js";
import { clock, count, dayAndZone } from "./words.js";

const STATES = { connecting: "Connecting", live: "Live", stale: "Disconnected", locked: "Key needed" };

export function showState(state) {
  document.documentElement.dataset.state = state;
  say("state", STATES[state]);
}

// `action` names the button, "" for none; the countdown is kept out of what a screen reader hears.
export function showBanner(text, action = "", countdown = "") {
  at("banner").hidden = !text;
  say("banner-text", text);
  say("countdown", countdown);
  at("retry").hidden = !action;
  say("retry", action);
}

export function showNumbers(network) {
  const { links, reporting, ratio, active, rate, counts } = network.summary();
  say("reporting", String(reporting));
  say("of-links", `of ${links}`);
  say("ratio-when", network.horizon ? `Expected in ${network.horizon} min` : "Mean speed");
  say("ratio", ratio === null ? "–" : String(Math.round(ratio * 100)));
  say("active", String(active));
  say("rate", rate < 10 ? rate.toFixed(1) : String(Math.round(rate)));
  say("sheet", `${countWords(network)}${count(active, "active incident")}, slowest links`);
  say("meaning-none", network.horizon ? "no forecast" : "no data");
  for (const { name } of LEVELS) say(`count-${name}`, String(counts[name]));
  if (network.newest) showClock(network.newest);
}

function showClock(newest) {
  at("clock").dateTime = new Date(newest).toISOString();
  say("clock-time", clock(newest));
  say("clock-day", dayAndZone(newest));
}

export function drawLegend() {
  const rows = LEVELS.map(({ name, label, meaning }) =>
    element("li", {},
      element("i", { class: `swatch ${name}` }), element("b", {}, label),
      element("span", { id: `meaning-${name}` }, meaning),
      element("span", { class: "count", id: `count-${name}` }, "–")));
  at("legend").replaceChildren(element("ul", {}, ...rows));
}
