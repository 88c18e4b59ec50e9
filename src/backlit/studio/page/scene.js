// A network whose layers part and join, as `bl.draw` draws it: side by side, columns would say that each leads to the next.
import { StudioElement } from "./element.js";
import { html } from "./lit.js";
import { say } from "./say.js";

// Whether a layer stands within another one, as of residual blocks and Transformers; unless no picture could be had.
export const isNested = ({ scene }, layers) => scene !== false && layers.some(({ path }) => path.includes("/"));

class SceneView extends StudioElement {
  static watches = ["layers", "scene", "language", "side", "compare"];

  get second() {
    return this.state.side === "b" && Boolean(this.state.compare);
  }

  render() {
    const { scene } = this.state;
    if (!scene) return html`<p class="soft">${say("drawing-blocks")}</p>`;
    return html`<figure class="scene"><div class="scroll" tabindex="0" role="group" aria-label=${scene.title}>
      <img data-scene src=${`data:image/svg+xml;charset=utf-8,${encodeURIComponent(scene.svg)}`} alt=${scene.text} /></div>
      <figcaption class="small soft">${say("drawn-as-blocks")}</figcaption></figure>`;
  }

  updated() {
    this.#ask();
  }

  async #ask() {
    const { language, compare } = this.state;
    const layers = this.second ? compare.layers : this.state.layers;
    const wanted = JSON.stringify([layers.map(({ path, kind, shape }) => [path, kind, shape]), language]);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    const answer = await this.studio.session.ask("draw", { depth: "layers", language, ...(this.second ? { side: "b" } : {}) }, undefined, true);
    if (!answer) this.studio.store.set({ scene: false });
  }
}

customElements.define("studio-scene", SceneView);
