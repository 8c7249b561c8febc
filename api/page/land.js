// Land, rivers and islands under the links; style.css gives them their colours, so they follow the theme.

import { element } from "./elements.js";

export async function drawLand(map, url) {
  const response = await fetch(url);
  map.createPane("land").style.zIndex = 200;
  map.createPane("places").style.zIndex = 250;
  L.geoJSON(await response.json(), {
    pane: "land", renderer: L.svg({ pane: "land", padding: 1 }), interactive: false,
    style: ({ properties }) => ({ className: properties.kind }),
    onEachFeature: ({ properties }) => properties.label && namePlace(map, properties),
  }).addTo(map);
}

function namePlace(map, { name, kind, label: [lon, lat] }) {
  L.tooltip({ permanent: true, direction: "center", className: `place of-${kind}`, pane: "places", offset: [0, 0] })
    .setLatLng([lat, lon]).setContent(element("span", {}, name)).addTo(map);
}
