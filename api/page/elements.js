// Elements made from values, and lists of buttons kept in step with items. Feeds' text only ever becomes text nodes.

export const at = (id) => document.getElementById(id);

export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Text that has not changed is not written again, so that a screen reader does not say it again.
export function say(id, text) {
  const place = at(id);
  if (place.textContent !== text) place.textContent = text;
}

// Keeps each row's button while its item stays, so that keyboard focus is not lost when the list changes.
export function replaceItems(list, items, keyOf, contentOf, onSelect) {
  const held = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const focused = document.activeElement;
  const rows = items.map((item) => {
    const key = keyOf(item);
    const row = held.get(key) ?? element("li", { "data-key": key }, element("button", { type: "button" }));
    row.firstChild.onclick = () => onSelect(item);
    row.firstChild.replaceChildren(...contentOf(item));
    return row;
  });
  if (rows.some((row, index) => list.children[index] !== row) || rows.length !== list.children.length) {
    list.replaceChildren(...rows);
    if (list.contains(focused)) focused.focus({ preventScroll: true });
  }
}

// Buttons of which one is chosen, as tabs: arrow keys go from one to the next, Tab leaves them.
export function joinTabs(list, onChange = () => {}) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  function choose(tab) {
    for (const each of tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      at(each.getAttribute("aria-controls")).hidden = each !== tab;
    }
    onChange(tab);
  }
  for (const tab of tabs) tab.onclick = () => choose(tab);
  list.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  };
}
