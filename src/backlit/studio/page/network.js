// The network: a column a layer, each unit with what it computes over the input plane, each edge as wide as its weight.
import { fit, paintShare, paintValues } from "./drawing/map.js";
import { arrange, curve, edgesBetween, isBlock } from "./drawing/layout.js";
import { StudioElement } from "./element.js";
import { html, nothing, svg } from "./lit.js";
import { carryAcross, carryWithin, ordered } from "./moving.js";
import { number, say, whole } from "./say.js";
import { parseChosen, samePlace } from "./chosen.js";
import { gateDrawn, gateOffset, isText, shown, valuesAt, weightsDrawn } from "./recurrent.js";
import { css, signColour } from "./drawing/palette.js";
import { isNested } from "./scene.js";

const MOST_EDGES = 500; // between two layers; of more the strongest are drawn
const ANEW = 40; // frames after which the strongest are chosen again
const WIDTHS = 48; // that edges may have
const BLOCK = 54; // height of a block
const SLOW_ABOVE = 40; // units, above which maps are painted in turn

class NetworkView extends StudioElement {
  static watches = ["layers", "chosen", "row", "hover", "compare", "side", "data", "orders", "step", "scene"];
  static properties = { width: { state: true } };

  #age = 0;
  #turn = 0;
  #dragged = null;

  constructor() {
    super();
    this.width = 600;
  }

  connectedCallback() {
    super.connectedCallback();
    this.sizes = new ResizeObserver(([entry]) => (this.width = Math.max(260, Math.floor(entry.contentRect.width))));
    this.sizes.observe(this);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.theme.addEventListener("change", this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.sizes.disconnect();
    this.theme.removeEventListener("change", this);
  }

  handleEvent() {
    this.paint();
  }

  get layers() {
    const { layers, compare, side } = this.state;
    return (side === "b" && compare?.layers) || layers || [];
  }

  get height() {
    return Math.max(250, Math.min(480, Math.max(...this.layers.map((layer) => (isBlock(layer) ? 1 : layer.units)), 1) * 60));
  }

  render() {
    if (!this.layers.length) return html`<p class="soft">${say("waiting")}</p>`;
    const map = (this.map = arrange(this.layers, this.width, this.height, this.state.orders));
    this.edges = map.columns.slice(1).map((to, index) => ({
      from: map.columns[index],
      to,
      drawn: edgesBetween(map.columns[index], to, this.#weights(to), MOST_EDGES),
    }));
    if (isNested(this.state, this.layers)) return html`<studio-builder shows="tools" .map=${map}></studio-builder><studio-scene></studio-scene>`;
    return html`
      <studio-builder shows="tools" .map=${map}></studio-builder>
      <div class="net-scroll" tabindex=${map.width > this.width + 1 ? 0 : nothing} role="group" aria-label=${say("network-drawn", this.#counts())}>
        <studio-builder shows="heads" .map=${map}></studio-builder>
        <div class="net" .style=${`width:${map.width}px;height:${map.height + 8}px`}>
          <svg class="edges" width=${map.width} height=${map.height} aria-hidden="true">
            ${this.edges.map(({ from, to, drawn }) => drawn.map((edge) => this.#edge(from, to, edge)))}
          </svg>
          ${map.columns.map((column) => column.places.map((place, unit) => this.#unit(column, place, unit)))}
          ${this.#hoverLabel()}
        </div>
      </div>
      ${this.#elided()}`;
  }

  #counts() {
    return { shape: this.layers.map((layer) => layer.units).join("–") };
  }

  #weights(column) {
    const side = this.state.side === "b" ? "b:" : "";
    const array = this.state.frames?.a?.arrays?.[`${side}param/${column.layer.path}/weight`];
    return weightsDrawn(array, column.layer, this.layers[column.index - 1]?.units);
  }

  #edge(from, to, edge) {
    const place = { layer: to.layer.path, unit: edge.unit, input: edge.input, ...this.#gate(to.layer) };
    const middle = ({ x, block, size }, side) => ({ x: x + (block ? side * (size / 2) : 0), y: this.height / 2 });
    const d = edge.bundle ? curve(middle(from, 1), middle(to, -1)) : curve(from.places[edge.input], to.places[edge.unit]);
    const name = edge.bundle ? "bundle" : `${to.layer.path}/${edge.unit}/${edge.input}`;
    const chosen = samePlace(this.state.chosen, place);
    return svg`
      <path class="edge ${chosen ? "chosen" : ""}" data-wire=${name} d=${d}></path>
      ${edge.bundle ? nothing : svg`<path class="hit" data-edge=${name} d=${d}
        @click=${() => this.studio.choose(place)} @pointerenter=${() => this.studio.store.set({ hover: place })}
        @pointerleave=${() => this.studio.store.set({ hover: null })}></path>`}`;
  }

  #unit(column, { x, y }, unit) {
    const { layer, size, index, block } = column;
    const style = `left:${x - size / 2}px;top:${y - (block ? BLOCK : size) / 2}px;width:${size}px;height:${block ? BLOCK : size}px`;
    if (block) return html`<div class="unit block" .style=${style}><b>${whole(layer.units)}</b><span>${layer.kind}</span></div>`;
    const place = { layer: layer.path, unit, ...this.#gate(layer) };
    const frozen = layer.frozen?.includes?.(unit);
    const name = this.#unitName(column, unit);
    return html`<button class="unit ${frozen ? "frozen" : ""}" .style=${style} data-unit=${`${layer.path}/${unit}`}
      aria-pressed=${samePlace(this.state.chosen, place)} aria-label=${name} title=${name}
      @click=${() => this.studio.choose(index === 0 ? { ...place, input: null, source: true } : place)}
      draggable=${this.#movable(index) ? "true" : "false"} @dragstart=${(event) => this.#drag(event, column, unit)} @dragend=${() => (this.#dragged = null)}
      @dragover=${(event) => this.#dragged && this.#movable(index) && event.preventDefault()} @drop=${(event) => this.#drop(event, column, unit)}
      @keydown=${(event) => this.#move(event, column, unit)}>
      <canvas aria-hidden="true"></canvas>
      ${isText(this.state) && (index === 0 || index === this.layers.length - 1) && size >= 12 ? html`<span class="unit-letter writing" aria-hidden="true">${shown(this.state.data.classes[unit] ?? "")}</span>` : nothing}
      ${size >= 30 ? html`<span class="unit-value n" data-value=${`${layer.path}/${unit}`}></span>` : nothing}
      ${frozen ? html`<span class="frost" aria-hidden="true">❄</span>` : nothing}
    </button>`;
  }

  // Which of a gated layer's weights are meant: the candidate's, until someone chooses another gate.
  #gate(layer) {
    if (!isText(this.state)) return {};
    const gate = gateDrawn(layer);
    return { kind: layer.kind, ...(gate ? { gate, offset: gateOffset(layer, gate) } : {}) };
  }

  #unitName({ layer, index }, unit) {
    const { data } = this.state;
    if (isText(this.state) && (index === 0 || index === this.layers.length - 1)) return say(index ? "output-unit" : "input-unit", { name: shown(data.classes[unit] ?? unit + 1) });
    if (layer.kind === "RNN" || layer.kind === "LSTM" || layer.kind === "GRU") return say("hidden-unit", { layer: index, unit: unit + 1, activation: layer.kind });
    if (index === 0) return say("input-unit", { name: data?.columns?.[unit] ?? `x${unit + 1}` });
    if (index === this.layers.length - 1) return say("output-unit", { name: data?.classes?.[this.layers.at(-1).units > 1 ? unit : 1] ?? unit + 1 });
    return say("hidden-unit", { layer: index, unit: unit + 1, activation: layer.activation ?? "" });
  }

  // Arrow keys go from unit to unit; Tab goes on to the next as well.
  #move(event, column, unit) {
    const steps = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.altKey) return this.#carry(column, unit, step);
    const next = this.map.columns[column.index + step[0]];
    if (!next || next.block) return;
    const to = Math.max(0, Math.min(next.places.length - 1, step[0] ? Math.round((unit * (next.places.length - 1)) / Math.max(column.places.length - 1, 1)) : ordered(this.state.orders, next.layer).indexOf(unit) + step[1]));
    const found = step[0] ? to : ordered(this.state.orders, next.layer)[to];
    this.querySelector(`[data-unit="${next.layer.path}/${found}"]`)?.focus();
  }

  // Units of hidden layers are carried by the mouse, or with Alt and an arrow.
  #movable(index) {
    const { spec, compare, side } = this.state;
    const network = ((side === "b" && compare?.state) || spec)?.network;
    return index > 0 && index < this.layers.length - 1 && Boolean(network) && !network.word && !network.architecture && !network.of_run;
  }

  #drag(event, column, unit) {
    this.#dragged = { column, unit };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(unit));
  }

  #drop(event, column, unit) {
    const from = this.#dragged;
    if (!from) return;
    event.preventDefault();
    this.#dragged = null;
    if (from.column.index !== column.index) carryAcross(this.studio, from.column.index - 1, column.index - 1);
    else carryWithin(this.studio, column.layer, from.unit, ordered(this.state.orders, column.layer).indexOf(unit));
  }

  #carry(column, unit, [across, along]) {
    if (!this.#movable(column.index)) return;
    if (across) return this.#movable(column.index + across) && carryAcross(this.studio, column.index - 1, column.index - 1 + across);
    carryWithin(this.studio, column.layer, unit, ordered(this.state.orders, column.layer).indexOf(unit) + along);
  }

  #hoverLabel() {
    const { hover } = this.state;
    const band = hover && this.edges.find(({ to }) => to.layer.path === hover.layer);
    const [from, to] = [band?.from.places[hover?.input], band?.to.places[hover?.unit]];
    if (!from || !to) return nothing;
    const weights = this.#weights(band.to);
    const value = weights?.values[hover.unit * band.from.places.length + hover.input];
    return html`<div class="hover-label n" .style=${`left:${(from.x + to.x) / 2}px;top:${(from.y + to.y) / 2}px`}>${say("weight")} ${number(value)}</div>`;
  }

  #elided() {
    if (isText(this.state)) return this.#atStep();
    const few = this.edges.find(({ from, to, drawn }) => !from.block && !to.block && drawn.length < from.places.length * to.places.length);
    return few ? html`<p class="small soft">${say("strongest-drawn", { count: whole(MOST_EDGES), all: whole(few.from.places.length * few.to.places.length) })}</p>` : nothing;
  }

  #atStep() {
    const { step, frames } = this.state;
    const text = frames?.a?.reading?.text;
    if (!text) return nothing;
    const at = Math.min(step ?? text.length - 2, text.length - 2);
    const gated = this.layers.some((layer) => gateDrawn(layer));
    return html`<p class="small soft">${say("at-step", { step: at + 1, letter: shown(text[at]) })} ${gated ? say("candidate-drawn") : ""}</p>`;
  }

  updated() {
    this.wires = new Map([...this.querySelectorAll("[data-wire]")].map((path) => [path.dataset.wire, path]));
    this.canvases = new Map([...this.querySelectorAll("[data-unit]")].map((button) => [button.dataset.unit, button.querySelector("canvas")]));
    this.paint();
  }

  frameArrived({ playing }) {
    if (++this.#age % ANEW === 0 && this.edges?.some(({ drawn }) => drawn.length === MOST_EDGES)) this.requestUpdate();
    else this.paint(playing);
  }

  paint(quick = false) {
    const frame = this.state.frames?.a;
    if (!frame || !this.map || !this.wires) return;
    this.#paintEdges();
    this.#paintUnits(frame, quick);
    this.#paintValues(frame);
  }

  #paintEdges() {
    for (const { from, to, drawn } of this.edges) {
      const weights = this.#weights(to);
      if (!weights || drawn[0]?.bundle) continue;
      let most = 1;
      for (const value of weights.values) if (Math.abs(value) > most) most = Math.abs(value);
      const inputs = from.places.length;
      for (const edge of drawn) {
        const value = weights.values[edge.unit * inputs + edge.input];
        const path = (edge.wire ??= this.wires.get(`${to.layer.path}/${edge.unit}/${edge.input}`));
        if (!path) continue;
        const share = Math.round((WIDTHS * Math.abs(value)) / most) / WIDTHS;
        const look = value < 0 ? -1 - share : share;
        if (edge.look === look) continue; // what an eye doesn't see needn't be drawn
        edge.look = look;
        path.setAttribute("stroke-width", (0.5 + 5.5 * share).toFixed(2));
        path.setAttribute("stroke-opacity", (0.22 + 0.78 * Math.sqrt(share)).toFixed(2));
        path.classList.toggle("below", value < 0);
      }
    }
  }

  #paintUnits({ arrays }, quick) {
    const side = this.state.side === "b" ? "b:" : "";
    if (isText(this.state)) return this.#paintStep();
    let seen = 0;
    const all = this.canvases.size;
    for (const { layer, size, block, index } of this.map.columns) {
      const maps = arrays[`${side}units/${layer.path}`];
      if (!maps || block) continue;
      const [, grid] = maps.shape;
      for (let unit = 0; unit < maps.shape[0]; unit++) {
        if (quick && all > SLOW_ABOVE && seen++ % Math.ceil(all / SLOW_ABOVE) !== this.#turn % Math.ceil(all / SLOW_ABOVE)) continue;
        const canvas = this.canvases.get(`${layer.path}/${unit}`);
        if (!canvas || (quick && index === 0 && canvas.shows === this.state.data)) continue; // inputs' maps stay the same
        if (index === 0) canvas.shows = this.state.data;
        fit(canvas, size);
        const values = maps.values.subarray(unit * grid * grid, (unit + 1) * grid * grid);
        let most = 1e-6;
        for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
        if (layer === this.layers.at(-1) && this.state.data?.classes?.length === maps.shape[0] && maps.shape[0] > 1) paintShare(canvas, values, grid, unit);
        else paintValues(canvas, values, grid, Math.max(most, 0.3));
      }
    }
    this.#turn++;
  }

  // In a text's network a unit has one value at a step: blue above zero, orange below.
  #paintStep() {
    const { arrays, reading } = this.state.frames.a;
    const step = this.state.step ?? (reading?.text.length ?? 2) - 2;
    for (const { layer, size, block, index } of this.map.columns) {
      if (block || !reading) continue;
      const values = index === 0 ? reading.letters.map((letter) => Number(letter === reading.text[Math.min(step, reading.text.length - 2)])) : valuesAt(arrays, this.layers, index, step, this.state.side === "b" && this.state.compare ? "b:" : "");
      for (let unit = 0; unit < layer.units; unit++) {
        const canvas = this.canvases.get(`${layer.path}/${unit}`);
        if (!canvas || !values) continue;
        fit(canvas, size);
        const pen = canvas.getContext("2d");
        pen.clearRect(0, 0, canvas.width, canvas.height);
        pen.fillStyle = css(signColour(values[unit]), 0.75 * Math.min(1, Math.abs(values[unit])) ** 0.85);
        pen.fillRect(0, 0, canvas.width, canvas.height);
        const label = index && layer.units <= 16 && this.querySelector(`[data-value="${layer.path}/${unit}"]`);
        if (label) label.textContent = number(values[unit], 2);
      }
    }
  }

  #paintValues({ arrays }) {
    if (isText(this.state)) return;
    for (const label of this.querySelectorAll("[data-value]")) {
      const [path, unit] = parseChosen(label.dataset.value);
      const values = this.state.row === null ? null : arrays[`values/${path}`];
      const text = values ? number(values.values[unit], 2) : "";
      if (label.textContent !== text) label.textContent = text;
    }
  }
}

customElements.define("studio-network", NetworkView);
