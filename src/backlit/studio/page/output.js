// What comes out: the decision boundary with the rows on it, what the mouse points at, the numbers, the curves.
import { fit, paintClasses, paintValues } from "./drawing/map.js";
import { dark } from "./drawing/palette.js";
import { drawPoint } from "./drawing/points.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { number, percent, say, told, whole } from "./say.js";
import "./curves.js";
import "./row-picker.js";
import "./text.js";
import { isText } from "./recurrent.js";

const FEWEST = 2; // points of one's own that are learned from

class OutputView extends StudioElement {
  static watches = ["data", "row", "compare", "drawing", "drawn", "brush"];
  static properties = { size: { state: true } };

  constructor() {
    super();
    this.size = 300;
  }

  connectedCallback() {
    super.connectedCallback();
    this.sizes = new ResizeObserver(([entry]) => (this.size = Math.max(200, Math.min(440, Math.floor(entry.contentRect.width)))));
    this.sizes.observe(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  render() {
    const { data, compare, drawing } = this.state;
    const two = Boolean(compare);
    const side = two ? Math.floor((this.size - 10) / 2) : this.size;
    if (isText(this.state)) return html`<h2 tabindex="-1">${say("output")}</h2><studio-text></studio-text><studio-scores></studio-scores><studio-curves></studio-curves>`;
    return html`
      <h2 tabindex="-1">${say("output")}</h2>
      ${data && !data.arrays?.plane ? html`<p class="soft">${say("no-plane")}</p>` : html`
        <div class="planes ${two ? "two" : ""}">
          ${(two ? ["a", "b"] : ["a"]).map((name) => html`<figure>
            ${two ? html`<figcaption class="small">${say(name === "a" ? "this-network" : "other-network")} <span class="soft">${name === "b" ? told(compare.note) : ""}</span></figcaption>` : nothing}
            <canvas class="plane ${drawing ? "drawable" : ""}" data-plane=${name} .style=${`width:${side}px;height:${side}px`} role="application" tabindex="0" aria-label=${this.#told(name)}
              @pointerdown=${(event) => this.#press(event)} @pointermove=${(event) => this.#point(event)} @pointerleave=${() => this.#leave()} @keydown=${(event) => this.#key(event)}></canvas>
          </figure>`)}
        </div>`}
      <div class="small soft plane-under"><span>${this.#axes()}</span><span class="n" data-told="under"></span></div>
      ${data?.shown?.projected ? html`<p class="small soft">${told(data.shown.note)}</p>` : nothing}
      ${this.#legend()}
      <studio-row></studio-row>
      <studio-scores></studio-scores>
      <studio-curves></studio-curves>`;
  }

  #axes() {
    const { data } = this.state;
    const axes = data?.shown?.axes;
    return axes ? `→ ${data.columns[axes[0]]}   ↑ ${data.columns[axes[1]]}` : "";
  }

  #legend() {
    const { data } = this.state;
    if (!data) return nothing;
    const held = html`<span class="key"><canvas data-key="held" width="32" height="32"></canvas>${say("held-back")}</span>`;
    if (data.task !== "classification") return html`<div class="legend small">${held}</div>`;
    return html`<div class="legend small">${(data.classes ?? [0, 1]).map((name, index) => html`<span class="key"><canvas data-key=${index} width="32" height="32"></canvas>${name}</span>`)}${held}</div>`;
  }

  #told(name) {
    const frame = this.state.frames?.a;
    const { data } = this.state;
    if (!frame || !data) return say("boundary");
    const numbers = name === "b" ? frame.compare : frame;
    return say("boundary-told", { rows: whole(data.rows), update: whole(frame.update), loss: number(numbers?.loss), share: right(numbers) });
  }

  updated() {
    this.planes = [...this.querySelectorAll("[data-plane]")];
    for (const canvas of this.querySelectorAll("[data-key]")) this.#key_(canvas);
    this.paint();
  }

  #key_(canvas) {
    const { data } = this.state;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, 32, 32);
    const held = canvas.dataset.key === "held";
    drawPoint(pen, 16, 16, 9, { label: held ? 1 : Number(canvas.dataset.key), kind: held ? "classification" : data.task, held, ring: this.#ring() });
  }

  #ring() {
    return getComputedStyle(this).getPropertyValue("--paper").trim() || "#fff";
  }

  frameArrived({ playing }) {
    if (!playing) this.requestUpdate(); // what is told of the picture in words
    this.paint();
  }

  paint() {
    for (const canvas of this.planes ?? []) this.#paintPlane(canvas);
  }

  #paintPlane(canvas) {
    const { data, frames, row, drawing, drawn } = this.state;
    const side = canvas.clientWidth;
    if (!side || !data) return;
    fit(canvas, side);
    const prefix = canvas.dataset.plane === "b" ? "b:" : "";
    const map = drawing && drawn.length < FEWEST ? null : frames?.a?.arrays?.[`${prefix}boundary`];
    const pen = canvas.getContext("2d");
    if (map) {
      const [grid, , classes] = map.shape;
      if (classes) paintClasses(canvas, map.values, grid, classes);
      else if (data.task === "classification") paintValues(canvas, map.values, grid, 0.5, 0, 0.5);
      else paintValues(canvas, map.values, grid, this.#most());
    } else pen.clearRect(0, 0, canvas.width, canvas.height);
    const plane = data.arrays?.plane;
    if (!plane) return;
    const density = canvas.width / side;
    const radius = (data.rows > 600 ? 2.4 : data.rows > 200 ? 3 : 4) * density * Math.min(1, 0.5 + side / 500);
    if (drawing) return this.#paintDrawn(pen, canvas, radius, this.#about());
    const { points, about } = this.#points(canvas, radius);
    pen.drawImage(points, 0, 0);
    if (row !== null && row < data.rows) {
      const [x, y] = this.#toCanvas(plane.values[2 * row], plane.values[2 * row + 1], canvas);
      drawPoint(pen, x, y, radius * 1.2, { ...about, label: data.arrays.y.values[row], chosen: true });
    }
  }

  #about() {
    return { kind: this.state.data.task, most: this.#most(), ring: this.#ring(), ink: getComputedStyle(this).color };
  }

  // The rows as a picture of their own, which frames are laid under: it changes with data, size and colours alone.
  #points(canvas, radius) {
    const { data } = this.state;
    const key = `${canvas.width} ${dark()}`;
    if (canvas.layer?.data === data && canvas.layer.key === key) return canvas.layer;
    const points = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const [pen, about] = [points.getContext("2d"), this.#about()];
    const { values } = data.arrays.plane;
    for (let i = 0; i < data.rows; i++) {
      const [x, y] = this.#toCanvas(values[2 * i], values[2 * i + 1], canvas);
      drawPoint(pen, x, y, radius, { ...about, label: data.arrays.y.values[i], held: data.arrays.held?.values[i] === 1 });
    }
    return (canvas.layer = { data, key, points, about });
  }

  // At once, before the session has them.
  #paintDrawn(pen, canvas, radius, about) {
    for (const [x, y, label] of this.state.drawn) drawPoint(pen, ...this.#toCanvas(x, y, canvas), radius, { ...about, kind: "classification", label });
  }

  #most() {
    const { data } = this.state;
    if (data.task === "classification") return 1;
    if (data.most === undefined) data.most = Math.max(1e-6, ...Array.from(data.arrays.y.values, Math.abs));
    return data.most;
  }

  #toCanvas(x, y, canvas) {
    const [[left, right], [low, high]] = this.state.data.range;
    return [((x - left) / (right - left)) * canvas.width, (1 - (y - low) / (high - low)) * canvas.height];
  }

  #place(event) {
    const box = event.target.getBoundingClientRect();
    const [[left, right], [low, high]] = this.state.data.range;
    return [left + ((event.clientX - box.left) / box.width) * (right - left), high - ((event.clientY - box.top) / box.height) * (high - low)];
  }

  #press(event) {
    const { data, drawing, brush } = this.state;
    if (!data) return;
    const [x, y] = this.#place(event);
    if (drawing) return this.studio.addPoint(x, y, event.shiftKey ? (brush + 1) % 2 : brush);
    const [[left, right], [low, high]] = data.range;
    let best = null;
    let nearest = 0.05;
    for (let i = 0; i < data.rows; i++) {
      const far = Math.hypot((data.arrays.plane.values[2 * i] - x) / (right - left), (data.arrays.plane.values[2 * i + 1] - y) / (high - low));
      if (far < nearest) [best, nearest] = [i, far];
    }
    this.studio.chooseRow(best);
  }

  #point(event) {
    if (!this.state.data) return;
    const [x, y] = this.#place(event);
    const under = this.querySelector('[data-told="under"]');
    const map = this.state.frames?.a?.arrays?.[event.target.dataset.plane === "b" ? "b:boundary" : "boundary"];
    under.textContent = `(${number(x, 3)}, ${number(y, 3)})${map && !map.shape[2] ? ` → ${number(this.#valueAt(map, event), 3)}` : ""}`;
    if (this.state.drawing && event.buttons === 1) this.studio.addPoint(x, y, this.state.brush, true);
  }

  #valueAt({ shape: [grid], values }, event) {
    const box = event.target.getBoundingClientRect();
    const [column, row] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height].map((at) => Math.max(0, Math.min(grid - 1, Math.floor(at * grid))));
    return values[row * grid + column];
  }

  #leave() {
    this.querySelector('[data-told="under"]').textContent = "";
  }

  // Rows by keyboard: arrows choose the next one, as they are numbered.
  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const { data, row } = this.state;
    if (!step || !data?.rows) return;
    event.preventDefault();
    event.stopPropagation();
    this.studio.chooseRow(((row ?? (step > 0 ? -1 : 0)) + step + data.rows) % data.rows);
  }
}

customElements.define("studio-output", OutputView);

class Scores extends StudioElement {
  static watches = ["compare", "data"];

  render() {
    const { compare, data } = this.state;
    const sides = compare ? ["a", "b"] : ["a"];
    const held = data?.arrays?.held?.values.some((flag) => flag === 1);
    const cells = (key) => sides.map((side) => html`<td class="n" data-score=${`${side}:${key}`}>–</td>`);
    return html`<table class="scores"><caption class="unseen">${say("scores")}</caption>
      ${compare ? html`<thead><tr><td></td>${sides.map((side) => html`<th scope="col">${say(side === "a" ? "this-network" : "other-network")}</th>`)}</tr></thead>` : nothing}
      <tbody>
        <tr><th scope="row"><span class="swatch train"></span>${say("loss-training")}</th>${cells("loss")}</tr>
        <tr><th scope="row"><span class="swatch held"></span>${say("loss-held")}</th>${cells("held_loss")}</tr>
        ${data?.task === "classification" || data?.task === "text" ? html`<tr><th scope="row">${say(held ? "right-held" : "right-training")}</th>${cells("accuracy")}</tr>` : nothing}
      </tbody></table>`;
  }

  updated() {
    this.frameArrived(this.state.frames?.a);
  }

  frameArrived(frame) {
    if (!frame) return;
    for (const cell of this.querySelectorAll("[data-score]")) {
      const [side, key] = cell.dataset.score.split(":");
      const from = side === "b" ? frame.compare : frame;
      const value = from?.[key];
      const text = key === "accuracy" ? right(from) : number(value);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }
}

function right(frame) {
  const share = frame?.accuracy?.held ?? frame?.accuracy?.train ?? null;
  return share === null ? "–" : percent(share);
}

customElements.define("studio-scores", Scores);
