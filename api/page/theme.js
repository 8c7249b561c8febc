// Light or dark: what the reader chose here before, else what their system prefers. Not a module, so that it runs before
// the first paint. Choosing what the system prefers is to follow the system again.

(() => {
  const PLACE = "urbanclear.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const preferred = () => (system.matches ? "dark" : "light");
  let chosen = null;

  function recall() {
    try {
      chosen = localStorage.getItem(PLACE);
    } catch {
      chosen = null; // storage is turned off: the choice lasts as long as the page
    }
  }

  function remember() {
    try {
      if (chosen) localStorage.setItem(PLACE, chosen);
      else localStorage.removeItem(PLACE);
    } catch {
      return;
    }
  }

  function apply() {
    const theme = ["light", "dark"].includes(chosen) ? chosen : preferred();
    document.documentElement.dataset.theme = theme;
    document.getElementById("theme")?.setAttribute("aria-pressed", String(theme === "dark"));
    document.dispatchEvent(new Event("theme"));
  }

  recall();
  apply();
  system.addEventListener("change", apply);
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").onclick = () => {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      chosen = next === preferred() ? null : next;
      remember();
      apply();
    };
    apply();
  });
})();
