// The notes' examples, and one's own network for a row: forward, backward and update, one step at a time.
import { announce } from "./announce.js";
import { icon } from "./icons.js";
import { StudioElement } from "./element.js";
import { html, nothing, svg } from "./lit.js";
import { has, number, say, told } from "./say.js";

const [STEP_X, STEP_Y, RADIUS, EDGE] = [170, 112, 25, 60];
const SCALE = 1.25; // of the picture, where there is room
const REST = 1600; // milliseconds a step, when played

class Walk extends StudioElement {
  static watches = ["walk", "connection", "layers", "row"];
  static properties = { step: { state: true }, example: { state: true }, playing: { state: true } };

  constructor() {
    super();
    this.step = 0;
    this.example = "W1";
    this.playing = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load(this.example);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  async #load(example) {
    this.example = example;
    this.#stop();
    this.step = 0;
    const { row } = this.state;
    await this.studio.session.ask("walk", example === "own" ? { row: row ?? 0 } : { example });
  }

  render() {
    const { walk } = this.state;
    const ready = walk && (walk.example ?? "own") === this.example;
    return html`<div class="walk panel">
      <div class="row spread"><h2>${say("mode-walk")}</h2><div class="segments" role="group" aria-label=${say("which-example")}>
        ${["W1", "W2", "own"].map((name) => html`<button data-example=${name} aria-pressed=${this.example === name} @click=${() => this.#load(name)}>${say(`example-${name}`)}</button>`)}</div></div>
      <p class="soft">${say(`example-${this.example}-about`)}</p>
      ${ready && walk.steps.length ? this.#shown(walk) : html`<p class="soft">${say("waiting")}</p>`}</div>`;
  }

  #shown(walk) {
    const current = walk.steps[this.step - 1];
    const last = walk.steps.length;
    return html`
      <div class="walk-picture scroll" tabindex="0" role="region" aria-label=${say("graph")}>${this.#graph(walk, current)}</div>
      <div class="walk-controls row" role="group" aria-label=${say("steps")}>
        <button data-do="first" ?disabled=${this.step === 0} @click=${() => this.#go(0)} aria-label=${say("first-step")}>${icon("first")}</button>
        <button data-do="back" ?disabled=${this.step === 0} @click=${() => this.#go(this.step - 1)}>${icon("back")} ${say("back")}</button>
        <button class="main" data-do="next" ?disabled=${this.step === last} @click=${() => this.#go(this.step + 1)}>${say("next")} ${icon("play")}</button>
        <button data-do="walk-play" aria-pressed=${this.playing} @click=${() => this.#play()}>${say(this.playing ? "pause" : "play")}</button>
        <button data-do="last" ?disabled=${this.step === last} @click=${() => this.#go(last)} aria-label=${say("last-step")}>${icon("last")}</button>
        <span class="soft n">${say("step-of", { step: this.step, all: last })}</span>
        <input type="range" min="0" max=${last} .value=${String(this.step)} aria-label=${say("steps")} @input=${(event) => this.#go(Number(event.target.value))} />
      </div>
      <div class="walk-step ${current?.phase ?? ""}" aria-live="polite">${current ? this.#told(current) : html`<p>${say("walk-start")}</p>`}</div>
      <ol class="walk-list small">${walk.steps.map((one, index) => html`<li class=${index + 1 === this.step ? "now" : index + 1 < this.step ? "done" : ""}><button class="plain" @click=${() => this.#go(index + 1)} aria-current=${index + 1 === this.step ? "step" : nothing}><span class="phase ${one.phase}">${this.#phase(one.phase)}</span> <span class="formula">${brief(one.symbols)}</span></button></li>`)}</ol>`;
  }

  #phase(phase) {
    return has(`phase-${phase}`) ? say(`phase-${phase}`) : phase;
  }

  #told({ phase, symbols, numbers, text }) {
    return html`<p class="phase ${phase}">${this.#phase(phase)}</p><p class="formula symbols">${symbols}</p>${numbers ? html`<p class="formula numbers">${numbers}</p>` : nothing}<p>${told(text)}</p>`;
  }

  // Where the nodes are: layers are columns around the middle; an operation stands between what it takes.
  #places({ nodes, edges }) {
    const columns = Math.max(...nodes.map(({ column }) => column)) + 1;
    const rows = Math.max(...nodes.map(({ row }) => row)) + 1;
    const inColumn = (column) => nodes.filter((node) => node.column === column).length;
    const middle = ({ column, row }) => row + (rows - inColumn(column)) / 2;
    const place = new Map();
    for (const node of nodes) {
      const sources = edges.filter(({ to, weight }) => to === node.id && weight === null).map(({ from }) => place.get(from)?.y);
      const between = sources.length && !sources.includes(undefined) ? sources.reduce((sum, y) => sum + y) / sources.length : null;
      place.set(node.id, { x: EDGE + node.column * STEP_X, y: between ?? EDGE + middle(node) * STEP_Y });
    }
    return { place, width: 2 * EDGE + (columns - 1) * STEP_X, height: 2 * EDGE + (rows - 1) * STEP_Y };
  }

  #graph(walk, current) {
    const { place, width, height } = this.#places(walk);
    const done = walk.steps.slice(0, this.step);
    const of = (phase, node) => done.findLast((step) => step.phase === phase && step.node === node);
    return html`<svg class="graph" viewBox=${`0 0 ${width} ${height}`} width=${width * SCALE} height=${height * SCALE} role="img" aria-label=${this.#graphTold(walk, done)} .style=${`min-width:${width * 0.75}px`}>
      ${walk.edges.map((edge) => this.#edge(edge, place, done, current))}
      ${walk.nodes.map((node) => this.#node(node, place.get(node.id), of, current))}</svg>`;
  }

  #edge(edge, place, done, current) {
    const [from, to] = [place.get(edge.from), place.get(edge.to)];
    const now = current && isAbout(current, edge);
    const update = done.findLast((step) => step.phase === "update" && step.place === edge.place);
    const weight = update?.value ?? edge.weight;
    const share = 0.34;
    const [x, y] = [from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share];
    return svg`<line class="wire ${now ? `now ${current.phase}` : ""}" x1=${from.x} y1=${from.y} x2=${to.x} y2=${to.y}></line>
      ${weight === null || weight === undefined ? nothing : svg`<text class="wire-weight n ${update ? "updated" : ""}" x=${x} y=${y - 6}>${number(weight)}</text>`}`;
  }

  #node(node, { x, y }, of, current) {
    const [forward, backward] = [of("forward", node.id), of("backward", node.id)];
    const now = current?.node === node.id;
    return svg`<g class="node ${node.kind ?? ""} ${now ? `now ${current.phase}` : ""}"><circle cx=${x} cy=${y} r=${RADIUS}></circle><text class="node-name" x=${x} y=${y + 5}>${node.name}</text>
      ${forward || node.kind === "input" ? svg`<text class="value forward n" x=${x} y=${y - RADIUS - 7}>${number(forward?.value ?? node.value)}</text>` : nothing}
      ${backward ? svg`<text class="value backward n" x=${x} y=${y + RADIUS + 17}>${number(backward.value)}</text>` : nothing}</g>`;
  }

  #graphTold({ nodes }, done) {
    const told_ = nodes.map(({ id, name, kind, value: own }) => {
      const value = (phase) => done.findLast((step) => step.phase === phase && step.node === id)?.value;
      const [forward, backward] = [kind === "input" ? own : value("forward"), value("backward")];
      return `${name}${forward === undefined ? "" : ` = ${number(forward)}`}${backward === undefined ? "" : `, ${say("gradient")} ${number(backward)}`}`;
    });
    return told_.join("; ");
  }

  #go(step) {
    this.step = Math.max(0, Math.min(this.state.walk.steps.length, step));
    if (this.step === this.state.walk.steps.length) this.#stop();
  }

  #play() {
    if (this.playing) return this.#stop();
    if (this.step === this.state.walk.steps.length) this.step = 0;
    this.playing = true;
    this.#go(this.step + 1);
    this.timer = setInterval(() => this.#go(this.step + 1), REST);
    announce(say("playing-told"));
  }

  #stop() {
    clearInterval(this.timer);
    this.playing = false;
  }
}

// What a step is about, without its numbers: "Δ₃ = ∂L/∂y₃".
const brief = (symbols) => symbols.split(" = ").slice(0, symbols.startsWith("Δ") ? 2 : 1).join(" = ");

// Forward, a step is about the wires that lead to its node; backward, about those by which the gradient comes.
function isAbout(step, edge) {
  if (step.edge) return step.edge[0] === edge.from && step.edge[1] === edge.to;
  if (step.place) return step.place === edge.place;
  return step.phase === "forward" ? step.node === edge.to : step.node === edge.from;
}

customElements.define("studio-walk", Walk);
