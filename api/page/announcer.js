// Tells a screen reader what a sighted reader would notice: new alerts and grave incidents, at most every few seconds.

import { say } from "./elements.js";
import { isActive, isWorkZone } from "./network.js";
import { incidentTitle } from "./words.js";

const PAUSE_MS = 6_000;
const GRAVE = ["high", "critical"];

export class Announcer {
  #known = new Set();
  #waiting = [];
  #saidAt = -Infinity;

  // What was there before the page opened is no news.
  note(topic, { type, items }) {
    for (const item of items) {
      const news = topic === "alerts" ? newsOfAlert(item) : newsOfIncident(item);
      const id = `${topic}/${item.id}`;
      if (!news) this.#known.delete(id);
      else if (!this.#known.has(id)) {
        this.#known.add(id);
        if (type === "update") this.#waiting.push(news);
      }
    }
  }

  speak() {
    if (!this.#waiting.length || performance.now() - this.#saidAt < PAUSE_MS) return;
    this.#saidAt = performance.now();
    const [first, ...more] = this.#waiting;
    this.#waiting = [];
    say("announcements", more.length ? `${first}, and ${more.length} more.` : `${first}.`);
  }
}

function newsOfAlert({ state, rule, subject, name }) {
  return state === "firing" ? `New alert: ${rule}, ${name || subject}` : null;
}

function newsOfIncident(incident) {
  const grave = isActive(incident) && !isWorkZone(incident) && GRAVE.includes(incident.severity);
  return grave ? `New incident, ${incident.severity}: ${incidentTitle(incident)}` : null;
}
