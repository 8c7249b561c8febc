// Alerts beside the map: those that are open, the most urgent first, how many fire, and what is silenced.

import { ask, send } from "./asking.js";
import { at, element, replaceItems, say } from "./elements.js";
import { age, count, minuteOf } from "./words.js";

const SHOWN = 20;
const SILENCES_SHOWN = 50;
const EQUAL = /^\s*([a-z_]+)\s*=(?!~)\s*"?([^"]*?)"?\s*$/;

const placeOf = ({ subject, name }, network) => network.sensors.get(subject)?.name || name || "";

function ruleAndPlace(item, network) {
  return [item.rule, placeOf(item, network)].filter(Boolean).join(", ");
}

export function alertTitle(item, network) {
  return item.summary || ruleAndPlace(item, network);
}

// Beside the title: the rule, and the place where the title does not say it.
export function alertOrigin(item, network) {
  if (!item.summary) return item.subject;
  return item.summary.includes(placeOf(item, network)) ? item.rule : ruleAndPlace(item, network);
}

export function alertFacts(item, network) {
  const { state, priority, started_at, time, acknowledged_by, assignee } = item;
  const since = age(Date.now() - Date.parse(started_at ?? time));
  const whose = [acknowledged_by && `acknowledged by ${acknowledged_by}`, assignee && `assigned to ${assignee}`];
  return [priority, state, network.isSilenced(item) && "silenced", since, ...whose].filter(Boolean).join(" · ");
}

export function showAlerts(network, onSelect) {
  const open = network.openAlerts();
  const firing = loud(open, network);
  const badge = at("alert-count");
  badge.hidden = !firing.length;
  badge.className = `badge severity-${firing[0]?.priority ?? "low"}`;
  say("alert-count", String(firing.length));
  const more = at("alerts-more");
  const all = more.getAttribute("aria-expanded") === "true";
  more.hidden = open.length <= SHOWN;
  say("alerts-more", all ? "Show fewer" : `Show all ${open.length}`);
  more.onclick = () => {
    more.setAttribute("aria-expanded", String(!all));
    showAlerts(network, onSelect);
  };
  say("alert-rest", open.length > SHOWN && !all ? `${SHOWN} of ${open.length}` : "");
  at("no-alerts").hidden = open.length > 0;
  replaceItems(at("alerts"), all ? open : open.slice(0, SHOWN), ({ id }) => id, (item) => row(item, network), onSelect);
}

// Those that fire and are not silenced.
function loud(items, network) {
  return items.filter((item) => item.state === "firing" && !network.isSilenced(item));
}

function row(item, network) {
  const taken = item.acknowledged_by ? " taken" : "";
  const silenced = network.isSilenced(item) ? " silenced" : "";
  return [
    element("i", { class: `dot severity-${item.priority}${taken}${silenced}` }),
    element("b", { class: silenced.trim() }, alertTitle(item, network)),
    element("small", {}, alertFacts(item, network)),
    element("span", {}, alertOrigin(item, network)),
  ];
}

// What is silenced now or will be; asked for now and then, and after a change.
export class Silences {
  #items = [];
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
  }

  async load() {
    const { items } = await ask("silences", { limit: SILENCES_SHOWN });
    this.#items = items.filter(({ state }) => state !== "over");
    this.show();
    this.#onChange();
  }

  // Whether one mutes the alert now, as far as the page can tell: not of hours, nor of other comparisons than `=`.
  mutes(alert) {
    const now = Date.now();
    return this.#items.some(({ starts_at, ends_at, definition: { matchers, hours } }) =>
      !hours && Date.parse(starts_at) <= now && now < Date.parse(ends_at) && matchers.every((text) => isEqual(text, alert)));
  }

  show() {
    say("silence-count", String(this.#items.length));
    at("no-silences").hidden = this.#items.length > 0;
    at("silences").replaceChildren(...this.#items.map((item) => this.#row(item)));
  }

  #row(item) {
    const what = item.definition.matchers.join(", ");
    const button = element("button", { type: "button", "aria-label": `End the silence of ${what}` }, "End");
    button.onclick = () => this.#end(item);
    return element("li", {}, element("span", {}, what), element("small", {}, silenceFacts(item)), button);
  }

  async #end({ id }) {
    try {
      await send("DELETE", `silences/${id}`);
      await this.load();
      say("silence-note", "Ended.");
      at("silences-title").focus();
    } catch (error) {
      say("silence-note", error.message);
    }
  }
}

function isEqual(matcher, { rule, subject, priority, areas, road, sensors }) {
  const [, label, value] = EQUAL.exec(matcher) ?? [];
  const values = { rule: [rule], subject: [subject], priority: [priority], area: areas, road: [road], sensor: sensors };
  return Boolean(label && value && values[label]?.includes(value));
}

function silenceFacts({ state, starts_at, ends_at, created_by, definition }) {
  const when = state === "lasting" ? `until ${moment(ends_at)}` : `from ${moment(starts_at)} to ${moment(ends_at)}`;
  const hours = definition.hours ? `${definition.hours.from.slice(0, 5)} to ${definition.hours.until.slice(0, 5)}` : "";
  return [when, hours, `by ${created_by}`, definition.comment].filter(Boolean).join(" · ");
}

// The clock alone for what is no more than half a day away.
function moment(time) {
  const at_ = Date.parse(time);
  const day = { day: "numeric", month: "short" };
  const date = Math.abs(at_ - Date.now()) < 43_200_000 ? "" : `${new Date(at_).toLocaleDateString("en-GB", day)}, `;
  return date + minuteOf(at_);
}

export function countWords(network) {
  const firing = loud(network.openAlerts(), network).length;
  return firing ? `${count(firing, "alert")}, ` : "";
}
