// The API key, where the server asks for one: kept for this tab alone, and gone when it is closed.

import { at } from "./elements.js";

const PLACE = "urbanclear.key";
let current = recall();
let asking = null;
let declined = false;

function recall() {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null; // storage is turned off: the key lasts as long as the page
  }
}

export function key() {
  return current;
}

// Goes on with a key that was used before, or with none.
export function useKey(before) {
  current = before;
  try {
    if (before) sessionStorage.setItem(PLACE, before);
    else sessionStorage.removeItem(PLACE);
  } catch {
    return;
  }
}

// Asks the reader, whoever else asks meanwhile; true once they have given a key, false when they would not. Who would
// not is asked again only where they want to be.
export async function askForKey({ again = false, why = "" } = {}) {
  if (declined && !again) return false;
  asking ??= openForm(why || defaultWhy());
  const given = await asking;
  asking = null;
  declined = !given;
  return given;
}

function defaultWhy() {
  return current
    ? "The key was not accepted: it may be mistyped, expired or revoked."
    : "This server shows its data to those who have a key. Ask whoever runs it for one that may read.";
}

function openForm(why) {
  const dialog = at("key");
  const field = at("key-value");
  at("key-why").textContent = why;
  field.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "given");
    dialog.returnValue = "";
    at("key-later").onclick = () => dialog.close();
    at("key-form").onsubmit = (event) => {
      event.preventDefault();
      useKey(field.value.trim());
      dialog.close("given");
    };
  });
}
