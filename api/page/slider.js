// The forecast slider: now, or so many minutes ahead; and what it is that is shown, or why there is nothing to show.

import { at, say } from "./elements.js";
import { HORIZONS } from "./forecast.js";
import { minuteOf, zone } from "./words.js";

export class Slider {
  #network;
  #field = at("ahead");

  constructor(network, onChange) {
    this.#network = network;
    this.#field.oninput = () => onChange(HORIZONS[this.#field.value]);
    for (const [index, mark] of [...at("marks").children].entries()) {
      mark.onclick = () => !this.#field.disabled && onChange(HORIZONS[index]);
    }
  }

  show() {
    const { forecast, horizon } = this.#network;
    const now = this.#network.dataNow();
    const none = forecast.whyNone(now);
    this.#field.disabled = none !== null && horizon === 0;
    this.#field.value = HORIZONS.indexOf(horizon);
    document.documentElement.dataset.horizon = horizon;
    for (const [index, mark] of [...at("marks").children].entries()) {
      mark.classList.toggle("chosen", HORIZONS[index] === horizon);
      mark.classList.toggle("empty", index > 0 && !forecast.about(HORIZONS[index], now));
    }
    const text = none && horizon === 0 ? sayWhyNone(none) : this.#describe(now);
    say("horizon-text", text);
    this.#field.setAttribute("aria-valuetext", horizon ? `in ${horizon} minutes` : "now");
  }

  #describe(now) {
    const { forecast, horizon } = this.#network;
    if (!horizon) return "Measured now.";
    const about = forecast.about(horizon, now);
    if (!about) return `No forecast for ${horizon} min ahead.`;
    const { at: time, madeAt, models } = about;
    return `Forecast for ${minuteOf(time)} ${zone(time)}, made ${minuteOf(madeAt)} by ${models.join(", ")}.`;
  }
}

function sayWhyNone({ why, madeAt }) {
  return madeAt ? `No forecast yet: ${why} ${minuteOf(madeAt)} ${zone(madeAt)}.` : `No forecast yet: ${why}.`;
}
