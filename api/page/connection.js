// The WebSocket to the API: subscribes, and after a drop comes back with exponential back-off and jitter.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const SNAPSHOT_WITHIN_MS = 10_000;

export class Connection {
  // onState("live" | "stale", retryInMs) follows the connection; onMessage gets each snapshot and update.
  constructor(url, topics, { onState, onMessage }) {
    Object.assign(this, { url, topics, onState, onMessage, attempt: 0 });
    // A phone that loses its network does not hear that the socket is dead; its browser tells us.
    addEventListener("offline", () => this.#drop());
    addEventListener("online", () => this.retry());
    this.#open();
  }

  retry() {
    if (this.socket) return;
    clearTimeout(this.timer);
    this.#open();
  }

  #open() {
    const socket = (this.socket = new WebSocket(this.url));
    this.timer = setTimeout(() => this.#drop(), SNAPSHOT_WITHIN_MS);
    socket.onopen = () => {
      for (const topic of this.topics) socket.send(JSON.stringify({ type: "subscribe", topic }));
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => this.#drop();
  }

  #receive(message) {
    if (message.type === "error") console.warn(`The API refused: ${message.code}: ${message.message}`);
    if (message.type !== "snapshot" && message.type !== "update") return;
    this.onMessage(message);
    if (message.type === "snapshot") {
      clearTimeout(this.timer);
      this.attempt = 0;
      this.onState("live", 0);
    }
  }

  #drop() {
    if (!this.socket) return;
    clearTimeout(this.timer);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
    // Half of the wait is random, so that a restarted server is not met by all its clients at once.
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.attempt++);
    const wait = longest * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.#open(), wait);
    this.onState("stale", wait);
  }
}
