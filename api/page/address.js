// What is looked at, in the address: #map=12/40.7/-74&link=…&in=30&area=…&way=…, so that it can be shared and kept.

import { HORIZONS } from "./forecast.js";

// What the address says; null where it says nothing of this kind.
export function read() {
  const hash = location.hash.slice(1);
  if (!hash.includes("=")) return null;
  const said = new URLSearchParams(hash);
  const [zoom, lat, lon] = (said.get("map") ?? "").split("/").map(Number);
  const horizon = Number(said.get("in"));
  return {
    place: Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && zoom > 0 && zoom < 20 ? { lat, lon, zoom } : null,
    link: said.get("link"),
    horizon: HORIZONS.includes(horizon) ? horizon : 0,
    area: said.get("area") ?? "",
    way: wayOf(said.get("way") ?? ""),
  };
}

// From latitude, longitude to latitude, longitude: four numbers with commas between; else null.
function wayOf(text) {
  const numbers = text.split(",").map(Number);
  if (!text || numbers.length !== 4 || !numbers.every(Number.isFinite)) return null;
  const [[fromLat, fromLon], [toLat, toLon]] = [numbers.slice(0, 2), numbers.slice(2)];
  return [{ lat: fromLat, lon: fromLon }, { lat: toLat, lon: toLon }];
}

export function write({ place, link, horizon, area, way }) {
  const said = [];
  if (place) said.push(`map=${round(place.zoom, 2)}/${round(place.lat, 5)}/${round(place.lon, 5)}`);
  if (link) said.push(`link=${encodeURIComponent(link)}`);
  if (horizon) said.push(`in=${horizon}`);
  if (area) said.push(`area=${encodeURIComponent(area)}`);
  if (way) said.push(`way=${way.map(({ lat, lon }) => `${round(lat, 5)},${round(lon, 5)}`)}`);
  const hash = `#${said.join("&")}`;
  if (said.length && hash !== location.hash) history.replaceState(null, "", hash);
  if (!said.length && location.hash.includes("=")) history.replaceState(null, "", location.pathname + location.search);
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
