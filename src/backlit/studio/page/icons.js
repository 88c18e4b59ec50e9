// Signs that not every font has, as pictures.
import { svg, html } from "./lit.js";

const PATHS = {
  play: "M3 1.5v13l10-6.5z",
  pause: "M3 2h3.6v12H3zM9.4 2H13v12H9.4z",
  first: "M2 2h2.4v12H2zM14 2v12L5.4 8z",
  last: "M11.6 2H14v12h-2.4zM2 2v12l8.6-6z",
  back: "M13 1.5v13L3 8z",
};

export const icon = (name) => html`<svg class="icon" viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">${svg`<path d=${PATHS[name]}></path>`}</svg>`;
