// What of Lit the page uses, in one place: elsewhere nobody needs to know where its files lie.
export { LitElement, html, svg, nothing } from "./vendor/lit/lit-element.js";
export { live } from "./vendor/lit/directives/live.js";
export { repeat } from "./vendor/lit/directives/repeat.js";
