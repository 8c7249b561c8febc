// Questions to the REST API, with the key where there is one.

import { askForKey, key, useKey } from "./key.js";

const MOST_ROWS = 10_000;
const NO_KEY = "This needs a key that may operate. Ask whoever runs the server for one.";
const WEAK_KEY = "The key may not do this: it needs the scope operate. Use one that has it.";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// The JSON that answers; throws `Refused` with the API's own words, or what `fetch` throws without a connection.
export async function ask(path, parameters = {}, signal = undefined) {
  const address = new URL(`api/v1/${path}`, location.href);
  address.search = new URLSearchParams(parameters);
  const used = key();
  const response = await fetch(address, { headers: used ? { Authorization: `Bearer ${used}` } : {}, signal });
  if (response.ok) return response.json();
  if (response.status === 401 && (key() !== used || (await askForKey()))) return ask(path, parameters, signal);
  throw new Refused(response.status, await detailOf(response));
}

// Asks the API to change something; the reader is asked for a key where there is none that may. Returns the JSON that
// answers, or null; throws as `ask`.
export async function send(method, path, body = undefined) {
  const before = key();
  let response = before ? await write(method, path, body) : null;
  while (!response || response.status === 401 || response.status === 403) {
    const why = response ? (response.status === 403 ? WEAK_KEY : undefined) : NO_KEY;
    if (!(await askForKey({ again: true, why }))) {
      useKey(before); // what could be read can be read still
      throw new Refused(response?.status ?? 401, "Nothing was changed: it needs a key with the scope operate.");
    }
    response = await write(method, path, body);
  }
  if (!response.ok) throw new Refused(response.status, await detailOf(response));
  return response.status === 204 ? null : response.json();
}

function write(method, path, body) {
  const headers = { Authorization: `Bearer ${key()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(new URL(`api/v1/${path}`, location.href), { method, headers, body: body && JSON.stringify(body) });
}

async function detailOf(response) {
  const isProblem = response.headers.get("Content-Type")?.includes("json");
  return (isProblem && (await response.json()).detail) || `The API answered with status ${response.status}.`;
}

// Every row of a list, page after page.
export async function askAll(path, parameters = {}) {
  const items = [];
  let cursor = null;
  do {
    const page = await ask(path, { ...parameters, limit: MOST_ROWS, ...(cursor && { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}
