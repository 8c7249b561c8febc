// The WebSocket to the API: subscribes, and after a drop comes back with back-off and jitter, from where it was.

import { key } from "./key.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const LONGEST_ASKED_MS = 300_000;
const ANSWER_WITHIN_MS = 10_000;
const SILENT_MS = 30_000;
const POLICY = 1008; // RFC 6455, 7.4.1: here, that a key is needed or was not accepted

export class Connection {
  #url;
  #handlers;
  #cursors; // topic → the cursor of its last message, null before one came
  #attempt = 0;
  #live = false;
  #socket = null;
  #timer = 0;
  #heardAt = 0;
  #shown = null; // the key that the server was shown

  // onState("live" | "stale" | "locked", retryInMs) follows the connection; onMessage gets each snapshot and update.
  constructor(url, topics, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    this.#cursors = new Map(topics.map((topic) => [topic, null]));
    // A phone that loses its network does not hear that the socket is dead; its browser tells us.
    addEventListener("offline", () => this.#drop());
    addEventListener("online", () => this.retry());
    setInterval(() => this.#listen(), ANSWER_WITHIN_MS);
    this.#open();
  }

  retry() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  #open() {
    const socket = (this.#socket = new WebSocket(this.#url));
    this.#timer = setTimeout(() => this.#drop(), ANSWER_WITHIN_MS);
    this.#heardAt = performance.now();
    socket.onopen = () => {
      this.#shown = key();
      if (this.#shown) this.#send({ type: "authenticate", key: this.#shown });
      for (const topic of this.#cursors.keys()) this.#subscribe(topic);
      this.#send({ type: "ping" }); // where nothing has changed since, the pong is all that comes
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#drop(code, reason);
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #subscribe(topic) {
    const since = this.#cursors.get(topic);
    this.#send({ type: "subscribe", topic, ...(since && { since }) });
  }

  #receive(message) {
    this.#heardAt = performance.now();
    if (message.type === "snapshot" || message.type === "update") {
      this.#handlers.onMessage(message);
      this.#cursors.set(message.topic, message.cursor ?? null);
      this.#answered();
    }
    if (message.type === "pong") this.#answered();
    // What was dropped is asked for again, from the last message that came: the cursor told here lies behind the gap.
    if (message.type === "lagged") this.#subscribe(message.topic);
    if (message.type === "error") this.#refused(message);
  }

  #refused({ code, message }) {
    console.warn(`The API refused: ${code}: ${message}`);
    if (code === "unauthorised") this.#drop(POLICY);
    if (code !== "bad_cursor") return;
    for (const topic of this.#cursors.keys()) {
      this.#cursors.set(topic, null);
      this.#subscribe(topic);
    }
  }

  #answered() {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    if (this.#live) return;
    this.#live = true;
    this.#handlers.onState("live", 0);
  }

  // A connection may die without a word: after a silence it is asked for one.
  #listen() {
    const silent = performance.now() - this.#heardAt;
    if (this.#socket?.readyState !== WebSocket.OPEN || silent < SILENT_MS) return;
    if (silent > SILENT_MS + ANSWER_WITHIN_MS) this.#drop();
    else this.#send({ type: "ping" });
  }

  #drop(code = 0, reason = "") {
    if (!this.#socket) return;
    clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#live = false;
    const asked = askedWait(reason);
    if (code === POLICY && asked === null) {
      if (key() !== this.#shown) this.#open(); // another was given meanwhile
      else this.#handlers.onState("locked", 0);
      return;
    }
    const wait = this.#wait(asked);
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#handlers.onState("stale", wait);
  }

  // Part of the wait is random, so that a restarted server is not met by all its clients at once.
  #wait(asked) {
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempt++);
    return asked === null ? longest * (0.5 + Math.random() / 2) : asked * (1 + Math.random() / 4);
  }
}

// How long the server asks to stay away, ms: {"retry_after": seconds} in the reason it closed with; null where not said.
function askedWait(reason) {
  try {
    const seconds = Number(JSON.parse(reason).retry_after);
    return seconds >= 0 ? Math.min(LONGEST_ASKED_MS, Math.max(FIRST_RETRY_MS, seconds * 1000)) : null;
  } catch {
    return null;
  }
}
