// The inside, layer by layer: what the units say (histograms), how much gradient arrives, how large updates are; and the
// loss along two directions with the path of training on it.
import { histogram } from "./drawing/histogram.js";
import { fit, paintValues } from "./drawing/map.js";
import { StudioElement } from "./element.js";
import { html, nothing, svg } from "./lit.js";
import { number, percent, say, whole } from "./say.js";
import { shownLayers, shownName } from "./side.js";

const REST = 120; // milliseconds between two pictures
const [SMALL, LARGE] = [1e-8, 10]; // of the logarithmic bars
const [FROM, TO] = [3e-4, 1e-2]; // update by weight: where training usually goes well

class Inside extends StudioElement {
  static watches = ["surface", "layers", "compare", "side"];

  #scheduled = null;

  render() {
    const frame = this.state.frames?.a;
    const [histograms, flow] = [frame?.histograms ?? [], frame?.flow ?? []];
    return html`<div class="inside">
      <div><h2>${say("layer-by-layer")}${shownName(this.state)}</h2>
      ${histograms.length || flow.length ? this.#table(histograms, flow) : html`<p class="soft">${say("inside-empty")}</p>`}
      <p class="small soft">${say("ratio-how", { low: number(FROM), high: number(TO) })}</p></div>
      <div class="surface"><h2>${say("surface")}${shownName({ ...this.state, side: "a" })}</h2>${this.#surface()}</div></div>`;
  }

  #table(histograms, flow) {
    const paths = [...new Set([...histograms, ...flow].map(({ layer }) => layer))];
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("layer-by-layer")}><table class="layers-table">
      <thead><tr><th scope="col">${say("layer")}</th><th scope="col">${say("activations")}</th><th scope="col">${say("gradient")}</th><th scope="col">${say("ratio")}</th></tr></thead>
      <tbody>${paths.map((path) => this.#row(path, histograms.find(({ layer }) => layer === path), flow.find(({ layer }) => layer === path)))}</tbody></table></div>`;
  }

  #row(path, histogram, flow) {
    const layers = shownLayers(this.state) ?? [];
    const index = layers.findIndex((layer) => layer.path === path);
    const last = index === layers.length - 1;
    return html`<tr><th scope="row">${index === 0 ? say("inputs") : last ? say("output") : index > 0 ? say("layer-number", { number: index }) : path}</th>
      <td>${histogram ? this.#histogram(histogram) : "–"}</td>
      <td>${flow ? logBar(flow.gradient) : "–"}</td>
      <td>${flow ? logBar(flow.ratio, true) : "–"}</td></tr>`;
  }

  #histogram({ low, high, counts, dead, saturated }) {
    return html`${histogram({ low, high, counts })}
      ${dead ? html`<div class="small bad">${say("dead-share", { share: percent(dead, 0) })}</div>` : nothing}
      ${saturated > 0.5 ? html`<div class="small bad">${say("saturated-share", { share: percent(saturated, 0) })}</div>` : nothing}`;
  }

  #surface() {
    const { surface } = this.state;
    return html`<p class="small soft">${say("surface-how")}</p>
      <button data-do="surface" ?disabled=${this.computing} @click=${() => this.#compute()}>${say(surface ? "surface-again" : "surface-show")}</button>
      ${surface ? html`<canvas data-surface role="img" aria-label=${say("surface-told")}></canvas>
        <p class="small soft">${say(surface.kind === "pca" ? "surface-pca" : "surface-random", { share: percent((surface.explained ?? []).reduce((sum, share) => sum + share, 0), 0) })}</p>` : nothing}`;
  }

  async #compute() {
    this.computing = true;
    this.requestUpdate();
    await this.studio.session.ask("surface", { grid: 31 });
    this.computing = false;
    this.requestUpdate();
  }

  updated() {
    const canvas = this.querySelector("[data-surface]");
    if (canvas && this.state.surface) this.#paintSurface(canvas, this.state.surface);
  }

  #paintSurface(canvas, { arrays, range }) {
    const { loss, path } = arrays;
    const fine = 5; // places between two that were computed: bands with smooth borders
    const grid = (loss.shape[0] - 1) * fine + 1;
    fit(canvas, Math.min(300, canvas.parentElement.clientWidth));
    const logs = between(Array.from(loss.values, (value) => Math.log(Math.max(value, 1e-9))), loss.shape[0], fine);
    const [least, most] = [logs.reduce((a, b) => Math.min(a, b)), logs.reduce((a, b) => Math.max(a, b))];
    // Low is blue, high is orange, in bands: each border is a line of equal loss.
    paintValues(canvas, logs.map((value) => 1 - (2 * (value - least)) / Math.max(most - least, 1e-9)), grid, 1, 7);
    const pen = canvas.getContext("2d");
    const at = (index) => [0, 1].map((axis) => {
      const share = (path.values[2 * index + axis] - range[axis][0]) / (range[axis][1] - range[axis][0]);
      return (axis ? 1 - share : share) * canvas.width;
    });
    const style = getComputedStyle(this);
    pen.lineWidth = canvas.width / 120;
    pen.strokeStyle = style.color;
    pen.beginPath();
    for (let index = 0; index < path.shape[0]; index++) pen.lineTo(...at(index));
    pen.stroke();
    for (const [index, colour] of [[0, style.getPropertyValue("--paper")], [path.shape[0] - 1, style.color]]) {
      pen.beginPath();
      pen.arc(...at(index), canvas.width / 50, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.fill();
      pen.stroke();
    }
  }

  frameArrived() {
    if (this.#scheduled) return;
    this.#scheduled = setTimeout(() => {
      this.#scheduled = null;
      this.requestUpdate();
    }, REST);
  }
}

// Values on a grid, with more places between them (linear along both sides).
function between(values, side, fine) {
  const all = (side - 1) * fine + 1;
  return Array.from({ length: all * all }, (_, index) => {
    const [y, x] = [Math.floor(index / all) / fine, (index % all) / fine];
    const [row, column] = [Math.min(Math.floor(y), side - 2), Math.min(Math.floor(x), side - 2)];
    const [down, right] = [y - row, x - column];
    const at = (i, j) => values[(row + i) * side + column + j];
    return (at(0, 0) * (1 - right) + at(0, 1) * right) * (1 - down) + (at(1, 0) * (1 - right) + at(1, 1) * right) * down;
  });
}

// A bar as long as the logarithm, with the usual range behind it.
function logBar(value, usual = false) {
  const place = (size) => Math.max(0, Math.min(1, Math.log(size / SMALL) / Math.log(LARGE / SMALL))) * 100;
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const fine = !usual || (value >= FROM / 3 && value <= TO * 3);
  return html`<svg class="logbar" width="102" height="14" aria-hidden="true">${usual ? svg`<rect class="usual" x=${place(FROM)} y="0" width=${place(TO) - place(FROM)} height="14"></rect>` : nothing}
    <rect class=${fine ? "fine" : "odd"} x="0" y="4" width=${value > 0 ? Math.max(1, place(value)) : 0} height="6"></rect></svg><div class="small n ${fine ? "soft" : "bad"}">${number(value, 3)}</div>`;
}

customElements.define("studio-inside", Inside);
