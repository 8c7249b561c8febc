// The selected alert: why it is there, what happened to it, who was told, and what can be done about it.

import { alertFacts, alertOrigin, alertTitle } from "./alerts.js";
import { ask, send } from "./asking.js";
import { at, element, say } from "./elements.js";
import { clock, dayAndZone, minuteOf } from "./words.js";

const AGAIN_MS = 1_500;
const HAPPENED = {
  pending: "Noticed", firing: "Fires", resolved: "Over", calmed: "Over before it fired", escalated: "Escalated",
  unacknowledged: "No longer acknowledged", notified: "Told", muted: "Not told",
};

export class AlertPanel {
  #network;
  #silences;
  #onLink;
  #onChange;
  #id = null;
  #whole = null; // as REST tells it, with its history
  #loaded = ""; // of which alert, in which revision, that is
  #opener = null;

  // onLink(sensor) shows a link; onChange() is called when an alert is not as it was; `silences` are loaded anew.
  constructor(network, silences, { onLink, onChange }) {
    this.#network = network;
    this.#silences = silences;
    this.#onLink = onLink;
    this.#onChange = onChange;
    at("alert-close").onclick = () => this.close();
    at("alert-acknowledge").onclick = () => this.#acknowledge();
    at("alert-hour").onclick = () => this.#silence(1);
    at("alert-hours").onclick = () => this.#silence(4);
    at("alert-link").onclick = () => this.#onLink(this.#link());
  }

  open(id, opener) {
    this.#forget();
    this.#id = id;
    this.#opener = opener;
    this.show();
    at("alert").focus({ preventScroll: true });
  }

  // The focus goes back to where it came from, unless something else was opened instead.
  close({ giveBack = true } = {}) {
    if (!this.#id) return;
    this.#forget();
    at("alert").hidden = true;
    if (giveBack && this.#opener) (this.#opener.checkVisibility() ? this.#opener : at("sheet")).focus();
  }

  #forget() {
    this.#id = this.#whole = null;
    this.#loaded = "";
    say("alert-note", "");
  }

  get #known() {
    return this.#network.alerts.get(this.#id) ?? this.#whole;
  }

  show() {
    const known = this.#known;
    at("alert").hidden = !known;
    if (!known) return;
    at("alert").className = `severity-${known.priority}`;
    say("alert-title", alertTitle(known, this.#network));
    say("alert-facts", alertFacts(known, this.#network));
    say("alert-origin", alertOrigin(known, this.#network));
    at("alert-acknowledge").hidden = at("alert-hour").hidden = at("alert-hours").hidden = known.state === "resolved";
    at("alert-acknowledge").classList.toggle("first", !known.acknowledged_by);
    say("alert-acknowledge", known.acknowledged_by ? "Take back" : "Acknowledge");
    at("alert-link").hidden = !this.#link();
    this.#askForWhole(known);
  }

  #link() {
    const known = this.#known;
    return [known.subject, ...(known.sensors ?? [])].find((id) => this.#network.sensors.has(id));
  }

  #askForWhole({ revision }) {
    const wanted = `${this.#id} ${revision}`;
    if (wanted === this.#loaded) return;
    this.#loaded = wanted;
    if (!this.#whole) this.#showWhole({ events: [], notifications: [] });
    this.#load(this.#id, revision ?? 0).catch((error) => say("alert-note", error.message));
  }

  // An answer that others were given a moment before may be older than what is known live: it is asked for again.
  async #load(id, revision) {
    const whole = await ask(`alerts/${encodeURIComponent(id)}`);
    if (id !== this.#id) return;
    this.#whole = whole;
    this.#showWhole(whole);
    if (whole.revision < revision) setTimeout(() => (this.#loaded = ""), AGAIN_MS);
  }

  #showWhole(whole) {
    at("alert-numbers").replaceChildren(...numbersOf(whole).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    say("alert-about", whole.description ?? "");
    at("alert-history").replaceChildren(...whole.events.map((event) =>
      element("li", {}, element("small", {}, clock(Date.parse(event.time))), element("span", {}, happened(event)))));
    at("no-told").hidden = whole.notifications.length > 0;
    at("alert-told").replaceChildren(...whole.notifications.map(toldRow));
  }

  #acknowledge() {
    const taken = this.#known.acknowledged_by;
    return this.#do(async (id) => {
      this.#take(await send(taken ? "DELETE" : "POST", `alerts/${encodeURIComponent(id)}/acknowledge`));
      return taken ? "Nobody takes care of it now." : "You take care of it.";
    });
  }

  #silence(hours) {
    const { rule, subject } = this.#known;
    return this.#do(async () => {
      const matchers = [`rule="${rule}"`, `subject="${subject}"`];
      const silence = await send("POST", "silences", { matchers, duration: `${hours}h` });
      await this.#silences.load();
      return `Nobody is told of it until ${minuteOf(Date.parse(silence.ends_at))}.`;
    });
  }

  async #do(what) {
    const id = this.#id;
    say("alert-note", "");
    try {
      const note = await what(id);
      if (id === this.#id) say("alert-note", note);
    } catch (error) {
      if (id === this.#id) say("alert-note", error.message);
    }
    this.show();
  }

  // The answer is newer than what came live: it need not be waited for.
  #take(row) {
    const held = this.#network.alerts.get(row.id);
    if (held && row.revision > (held.revision ?? 0)) {
      const { acknowledged_at, acknowledged_by, revision } = row;
      this.#network.alerts.set(row.id, { ...held, acknowledged_at, acknowledged_by, revision });
      this.#onChange();
    }
  }
}

function numbersOf({ rule, subject, value, reason, started_at, fired_at, resolved_at }) {
  if (!rule) return [];
  const when = (time) => `${minuteOf(Date.parse(time))} ${dayAndZone(Date.parse(time))}`;
  const seen = reason === "no_data" ? "no data" : value == null ? "–" : value.toLocaleString("en-GB", { maximumFractionDigits: 2 });
  const rows = [["Rule", rule], ["Last value", seen], ["Began", when(started_at)]];
  if (fired_at) rows.push(["Fires since", when(fired_at)]);
  if (resolved_at) rows.push(["Over since", when(resolved_at)]);
  return [...rows, ["Subject", subject]];
}

function happened({ kind, actor, detail }) {
  if (kind === "commented") return `${actor}: ${detail.text}`;
  if (kind === "acknowledged") return `Acknowledged by ${actor}`;
  if (kind === "assigned") return detail.assignee ? `Assigned to ${detail.assignee} by ${actor}` : `Given back by ${actor}`;
  const what = HAPPENED[kind] ?? kind.replaceAll("_", " ");
  return actor === "alerting" ? what : `${what}, ${actor}`;
}

function toldRow({ contact, channel, state, error }) {
  const how = { given_up: "given up", obsolete: "not needed any more" }[state] ?? state;
  return element("li", {},
    element("b", {}, contact), element("span", {}, `${channel}, ${how}`), element("small", {}, error ?? ""));
}
