// Gates as they open: for each recurrent layer a heat map of every gate and state, steps from left to right, units from
// top to bottom; the number under the pointer, or where the arrow keys lead, is told below.
import { fit } from "./drawing/map.js";
import { css, signColour } from "./drawing/palette.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { lookedAt, shown } from "./recurrent.js";
import { number, say } from "./say.js";

const REST = 100; // milliseconds between two pictures
const BETWEEN = ["forget_gate", "input_gate", "output_gate", "reset_gate", "update_gate"]; // 0 shut, 1 open
const FORMULAS = {
  RNN: ["hₜ = tanh(Wxh·xₜ + Whh·hₜ₋₁ + bh)"],
  LSTM: ["fₜ = σ(Wxf·xₜ + Whf·hₜ₋₁ + bf), iₜ = σ(Wxi·xₜ + Whi·hₜ₋₁ + bi), oₜ = σ(Wxo·xₜ + Who·hₜ₋₁ + bo)", "gₜ = tanh(Wxg·xₜ + Whg·hₜ₋₁ + bg)", "cₜ = fₜ·cₜ₋₁ + iₜ·gₜ", "hₜ = oₜ·tanh(cₜ)"],
  GRU: ["rₜ = σ(Wxr·xₜ + Whr·hₜ₋₁ + br), zₜ = σ(Wxz·xₜ + Whz·hₜ₋₁ + bz)", "nₜ = tanh(Wxn·xₜ + bn + rₜ·(Whn·hₜ₋₁ + bhn))", "hₜ = (1 − zₜ)·nₜ + zₜ·hₜ₋₁"],
};
const SYMBOLS = { forget_gate: "f", input_gate: "i", output_gate: "o", reset_gate: "r", update_gate: "z", candidate: "g", cell: "c", hidden: "h" };

class Gates extends StudioElement {
  static watches = ["data", "row", "step", "drawnNetwork", "side", "compare"];
  static properties = { cursor: { state: true } };

  #last = 0;

  render() {
    const { reading } = lookedAt(this.state);
    if (!reading) return html`<p class="soft">${say("waiting")}</p>`;
    if (!reading.layers.length) return html`<p>${say("no-gates")}</p>`;
    return html`<h2>${say("gates")}</h2><p class="small soft">${say("gates-how")}</p>
      ${reading.layers.map((layer, index) => this.#layer(layer, index + 1, reading))}
      <p class="n gate-told" data-told="gate" aria-live="polite">${this.#told(reading)}</p>
      ${this.cursor ? this.#table(reading) : nothing}
      ${this.#cell(reading)}`;
  }

  #layer({ path, kind, states }, count, { text }) {
    return html`<section class="gate-layer" aria-label=${say("layer-number", { number: count })}><h3>${say("layer-number", { number: count })}: ${kind}</h3>
      ${(FORMULAS[kind] ?? []).map((line) => html`<p class="formula small">${line}</p>`)}
      <div class="gate-maps">${states.map((name) => this.#map(path, kind, name, text.slice(0, -1)))}</div></section>`;
  }

  #map(path, kind, name, letters) {
    const array = lookedAt(this.state).at(`steps/${path}/${name}`);
    if (!array) return nothing;
    const [steps, units] = array.shape;
    return html`<figure><figcaption class="small"><b>${gateName(name)}</b> <i>${kind === "GRU" && name === "candidate" ? "n" : SYMBOLS[name]}ₜ</i> <span class="soft">${BETWEEN.includes(name) ? say("shut-open") : ""}</span></figcaption>
      <canvas data-gate=${`${path}/${name}`} role="application" tabindex="0" aria-label=${say("gate-map-told", { name: gateName(name), units, steps, ...spread(array) })}
        .style=${`width:${wide(steps)}px;height:${tall(units)}px`}
        @pointermove=${(event) => this.#point(event, path, name, array)} @pointerdown=${(event) => this.#point(event, path, name, array)}
        @focus=${() => (this.cursor = this.cursor?.path === path && this.cursor.name === name ? this.cursor : { path, name, t: 0, unit: 0 })}
        @keydown=${(event) => this.#key(event, path, name, array)}></canvas>
      <div class="gate-letters writing small" aria-hidden="true" .style=${`width:${wide(steps)}px`}>${letters.map((letter) => html`<span>${shown(letter)}</span>`)}</div></figure>`;
  }

  // The first layer's cell as textbooks draw it, at the step of the cursor.
  #cell({ text, row }) {
    const { drawnNetwork: drawn } = this.state;
    const step = Math.min(this.cursor?.t ?? text.length - 2, text.length - 2) + 1;
    return html`<div class="cell"><button data-do="draw-cell" @click=${() => this.studio.session.ask("draw", { depth: "cell", step, row, ...(lookedAt(this.state).second ? { side: "b" } : {}) })}>${say("draw-cell", { step, letter: shown(text[step - 1]) })}</button>
      ${drawn ? html`<figure class="scroll" tabindex="0" role="group" aria-label=${drawn.title}><img data-drawn src=${`data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn.svg)}`} alt=${drawn.text} /><figcaption class="small soft">${say("drawn-at", { title: drawn.title, update: drawn.update })}</figcaption></figure>` : nothing}</div>`;
  }

  #point(event, path, name, { shape: [steps, units] }) {
    const box = event.target.getBoundingClientRect();
    const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    this.cursor = { path, name, t: inside(Math.floor(across * steps), steps), unit: inside(Math.floor(down * units), units) };
  }

  #key(event, path, name, { shape: [steps, units] }) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const { t, unit } = this.cursor ?? { t: 0, unit: 0 };
    this.cursor = { path, name, t: inside(t + move[0], steps), unit: inside(unit + move[1], units) };
  }

  #told({ text }) {
    const array = this.cursor && lookedAt(this.state).at(`steps/${this.cursor.path}/${this.cursor.name}`);
    if (!array) return say("gates-point");
    const { t, unit, name } = this.#at(array);
    return say("gate-told", { name: gateName(name), step: t + 1, letter: shown(text[t]), unit: unit + 1, value: number(array.values[t * array.shape[1] + unit], 4) });
  }

  // Where the cursor is, within an array that may have become smaller.
  #at({ shape: [steps, units] }) {
    const { t, unit, name } = this.cursor;
    return { name, t: inside(t, steps), unit: inside(unit, units) };
  }

  // All of a unit's gates along the row, as numbers.
  #table({ text, layers }) {
    const { at } = lookedAt(this.state);
    const layer = layers.find(({ path }) => path === this.cursor.path);
    const first = layer && at(`steps/${layer.path}/${layer.states[0]}`);
    if (!first) return nothing;
    const { unit } = this.#at(first);
    const steps = first.shape[0];
    return html`<details><summary class="small">${say("gates-numbers", { unit: unit + 1 })}</summary><div class="scroll" tabindex="0" role="region" aria-label=${say("gates-numbers", { unit: unit + 1 })}><table class="gate-numbers">
      <thead><tr><th scope="col">${say("gate")}</th>${text.slice(0, steps).map((letter, t) => html`<th scope="col"><span class="writing">${shown(letter)}</span><sub>${t + 1}</sub></th>`)}</tr></thead>
      <tbody>${layer.states.map((name) => html`<tr><th scope="row">${gateName(name)}</th>${Array.from({ length: steps }, (_, t) => html`<td class="n small">${number(at(`steps/${layer.path}/${name}`).values[t * first.shape[1] + unit], 2)}</td>`)}</tr>`)}</tbody></table></div></details>`;
  }

  updated() {
    this.paint();
  }

  paint() {
    const { reading, at } = lookedAt(this.state);
    if (!reading) return;
    const style = getComputedStyle(this);
    for (const canvas of this.querySelectorAll("canvas[data-gate]")) {
      const array = at(`steps/${canvas.dataset.gate}`);
      if (array) paintGate(canvas, array, { paper: style.getPropertyValue("--paper"), ink: style.color, cursor: this.#isAt(canvas) ? this.#at(array) : null });
    }
  }

  #isAt(canvas) {
    return this.cursor && canvas.dataset.gate === `${this.cursor.path}/${this.cursor.name}`;
  }

  frameArrived({ playing }) {
    const now = performance.now();
    if (playing && now - this.#last < REST) return;
    this.#last = now;
    this.requestUpdate();
  }
}

const gateName = (name) => say(`gate-${name}`);
const inside = (value, count) => Math.max(0, Math.min(count - 1, value));
const wide = (steps) => steps * Math.max(12, Math.min(30, Math.floor(260 / steps)));
const tall = (units) => units * Math.max(4, Math.min(14, Math.floor(150 / units)));

function spread({ values }) {
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (const value of values) [low, high, sum] = [Math.min(low, value), Math.max(high, value), sum + value];
  return { low: number(low, 2), high: number(high, 2), mean: number(sum / values.length, 2) };
}

// Blue above zero (a gate: how far it is open), orange below.
function paintGate(canvas, { shape: [steps, units], values }, { paper, ink, cursor }) {
  fit(canvas, wide(steps), tall(units));
  const pen = canvas.getContext("2d");
  const [cell, line] = [canvas.width / steps, canvas.height / units];
  let most = 1;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value); // a cell's numbers may be any
  pen.fillStyle = paper;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let t = 0; t < steps; t++) {
    for (let unit = 0; unit < units; unit++) {
      const value = values[t * units + unit];
      pen.fillStyle = css(signColour(value), (Math.abs(value) / most) ** 0.85);
      pen.fillRect(t * cell, unit * line, cell - 1, line - 1);
    }
  }
  if (!cursor) return;
  pen.strokeStyle = ink;
  pen.lineWidth = 2 * (devicePixelRatio || 1);
  pen.strokeRect(cursor.t * cell, cursor.unit * line, cell - 1, line - 1);
}

customElements.define("studio-gates", Gates);
