// Questions to the REST API, with the key where there is one.

import { askForKey, key } from "./key.js";

const MOST_ROWS = 10_000;

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
