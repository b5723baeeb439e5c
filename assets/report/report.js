/* Draws the report's charts from the JSON beside them. Loads nothing; without it the tables below the charts remain. */
"use strict";
(() => {
  const PAPER = 640; // px, what a page of A4 or Letter leaves between its margins
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const settings = { displaylogo: false, responsive: true, displayModeBar: "hover",
    modeBarButtonsToRemove: ["zoom2d", "pan2d", "select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"] };
  const drawn = [];
  for (const [id, figure] of Object.entries(charts)) {
    const place = document.getElementById("chart-" + id);
    if (!place) continue;
    place.style.height = (figure.layout.height || 360) + "px"; // a resize takes both sizes from here
    Plotly.newPlot(place, figure.data, figure.layout, settings).then(() => drawn.push(place));
  }
  window.addEventListener("beforeprint", () => drawn.forEach((place) => Plotly.relayout(place, { width: PAPER })));
  window.addEventListener("afterprint", () =>
    drawn.forEach((place) => Plotly.relayout(place, { width: null, autosize: true }).then(() => Plotly.Plots.resize(place))));
})();
