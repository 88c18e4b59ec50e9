// The base of the page's elements: in the page's own tree (labels and style sheet reach them), told by the store.
import { LitElement } from "./lit.js";

let studio;

export function provide(given) {
  studio = given;
}

export class StudioElement extends LitElement {
  static watches = [];

  #leave = [];
  #refused = undefined;

  createRenderRoot() {
    return this;
  }

  get studio() {
    return studio;
  }

  get state() {
    return studio.store.state;
  }

  connectedCallback() {
    super.connectedCallback();
    const keys = [...this.constructor.watches, "language", "refused"];
    this.#leave.push(studio.store.watch(keys, () => this.requestUpdate()));
    if (this.frameArrived) this.#leave.push(studio.store.onFrame((frame, side) => this.frameArrived(frame, side)));
  }

  // What was chosen and then refused isn't so: choices show again what is.
  update(changed) {
    super.update(changed);
    const { refused } = this.state;
    if (refused === this.#refused) return;
    this.#refused = refused;
    for (const select of this.querySelectorAll("select")) {
      const rendered = [...select.options].find((option) => option.defaultSelected);
      if (rendered) select.value = rendered.value;
    }
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const leave of this.#leave.splice(0)) leave();
  }
}
