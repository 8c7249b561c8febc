// Ways from A to B: two places, clicked on the map or written, become the fastest ways at the time shown.

import { ask } from "./asking.js";
import { at, element, replaceItems, say } from "./elements.js";
import { clock, duration, minuteOf, number } from "./words.js";

const LIVE_MS = 10 * 60_000; // data as new as that are of now, not a replay's
const BASES = { forecast: "forecast", current: "measured", profile: "normal", free_flow: "free flow" };
const FIELDS = ["route-from", "route-to"];

export class RoutePanel {
  #network;
  #map;
  #onChange;
  #places = [null, null]; // A and B: { lat, lon }
  #routes = [];
  #chosen = 0;
  #look = false; // at the ways that are asked for, once they are known
  #asking = null;

  // onChange(): the places are others, or there are none.
  constructor(network, map, onChange) {
    this.#network = network;
    this.#map = map;
    this.#onChange = onChange;
    at("route-open").onclick = () => (this.isOpen ? this.close() : this.open());
    at("route-clear").onclick = () => this.#clear();
    at("route-form").onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    at("route").onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
      at("route-open").focus();
    };
  }

  get isOpen() {
    return !at("route").hidden;
  }

  // A and B where both are known, else null.
  get places() {
    return this.isOpen && this.#places.every(Boolean) ? this.#places : null;
  }

  open() {
    this.#show(true);
    at(FIELDS[0]).focus();
    if (this.#places.every(Boolean)) this.load();
  }

  close() {
    this.#show(false);
  }

  #show(open) {
    at("route").hidden = !open;
    at("route-open").setAttribute("aria-expanded", String(open));
    this.#map.pick(open ? (place) => this.#take(place) : null);
    this.#draw();
    this.#onChange();
  }

  // What the address says; null for nothing. `look`: at the ways, once they are known.
  goTo(places, look) {
    if (JSON.stringify(places) === JSON.stringify(this.places)) return;
    if (!places) return void (this.isOpen && this.close());
    this.#write(places);
    this.#show(true);
    this.load(look);
  }

  // A click on the map: A, then B, then A anew.
  #take(place) {
    const [from, to] = this.#places;
    const next = from && !to ? [from, place] : [place, null];
    this.#write(next);
    this.#routes = [];
    this.load();
  }

  #write(places) {
    this.#places = places;
    FIELDS.forEach((id, index) => (at(id).value = places[index] ? told(places[index]) : ""));
  }

  #submit() {
    const found = FIELDS.map((id) => this.#placeOf(at(id).value));
    const missing = found.findIndex((place) => !place);
    this.#places = found;
    this.#routes = [];
    if (missing < 0) return this.load(true);
    this.#draw();
    at(FIELDS[missing]).focus();
    say("route-status", "Write latitude, longitude, or words of a link's name that there is.");
  }

  #placeOf(text) {
    const numbers = text.split(/[,\s]+/).filter(Boolean).map(Number);
    if (numbers.length === 2 && numbers.every(Number.isFinite)) return { lat: numbers[0], lon: numbers[1] };
    const [link] = text.trim() ? this.#network.find(text, 1).first : [];
    return link ? middleOf(link) : null;
  }

  #clear() {
    this.#write([null, null]);
    this.#routes = [];
    this.load();
    at(FIELDS[0]).focus();
  }

  // Asks for the ways anew, at the time shown; `look`: at them, once they are known.
  async load(look = false) {
    this.#look ||= look;
    this.#asking?.abort();
    this.#onChange();
    this.#draw();
    if (!this.places) return say("route-status", this.#places[0] ? "Now click where to." : "Click on the map, or write.");
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const [from, to] = this.#places;
    const asked = { from_lat: from.lat, from_lon: from.lon, to_lat: to.lat, to_lon: to.lon, depart_at: this.#departure() };
    try {
      const { routes, depart_at } = await ask("routes", asked, signal);
      this.#routes = routes;
      this.#chosen = 0;
      say("route-status", `${routes.length === 1 ? "One way" : `${routes.length} ways`}, leaving ${clock(Date.parse(depart_at))}`);
    } catch (error) {
      if (signal.aborted) return;
      this.#routes = [];
      say("route-status", inWords(error.message));
    }
    this.#draw();
    if (this.#look) this.#map.fitWays();
    this.#look = false;
  }

  #departure() {
    const { horizon } = this.#network;
    const now = this.#network.dataNow();
    if (Math.abs(now - Date.now()) > LIVE_MS) return new Date(now + horizon * 60_000).toISOString();
    return horizon ? `now+${horizon}m` : "now";
  }

  #draw() {
    const routes = this.isOpen ? this.#routes : [];
    const choose = (route) => {
      this.#chosen = this.#routes.indexOf(route);
      this.#draw();
    };
    replaceItems(at("ways"), routes, (route) => String(routes.indexOf(route)), (route) => this.#row(route), choose);
    for (const [index, row] of [...at("ways").children].entries()) {
      row.firstChild.setAttribute("aria-pressed", String(index === this.#chosen));
    }
    at("legs-of-way").hidden = !routes.length;
    at("legs").replaceChildren(...(routes[this.#chosen]?.legs ?? []).map(legRow));
    this.#map.drawWays(routes, this.#chosen, this.isOpen ? this.#places : []);
  }

  #row({ travel_time_s, lower_s, upper_s, length_m, arrive_at }) {
    const between = lower_s == null ? "" : range(lower_s, upper_s);
    const arrives = `arrives ${minuteOf(Date.parse(arrive_at))}`;
    return [
      element("b", {}, duration(travel_time_s)),
      element("small", {}, [between, number(length_m / 1000, "km", 1), arrives].filter(Boolean).join(" · ")),
    ];
  }
}

function legRow({ name, sensor, travel_time_s, speed_kmh, basis }) {
  return element("li", {},
    element("b", {}, name || sensor),
    element("small", {}, `${duration(travel_time_s)} · ${number(speed_kmh, "km/h")} · ${BASES[basis] ?? basis}`));
}

// In minutes, and in minutes and seconds where those would be the same.
function range(lower, upper) {
  const [least, most] = [lower, upper].map((seconds) => Math.round(seconds / 60));
  if (least !== most) return `${least}–${most} min`;
  const exact = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  return `${exact(lower)}–${exact(upper)}`;
}

// What the API says of a parameter, of the place that it is.
function inWords(detail) {
  return detail.replace(/^query\.(from|to)_(?:lat|lon): /, (_, end) => (end === "from" ? "A: " : "B: "));
}

function told({ lat, lon }) {
  return `${Number(lat.toFixed(5))}, ${Number(lon.toFixed(5))}`;
}

function middleOf({ geometry, lat, lon }) {
  if (geometry?.type !== "LineString") return lat == null || lon == null ? null : { lat, lon };
  const { coordinates } = geometry;
  const [before, after] = [(coordinates.length - 1) / 2, coordinates.length / 2].map((place) => coordinates[Math.floor(place)]);
  return { lat: (before[1] + after[1]) / 2, lon: (before[0] + after[0]) / 2 };
}
