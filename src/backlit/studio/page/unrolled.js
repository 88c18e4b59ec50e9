// The network unrolled over the characters of a row: inputs below, states from left to right, above them what it expects
// to come next; and how much gradient reaches each step.
import { fit } from "./drawing/map.js";
import { css, signColour } from "./drawing/palette.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { lookedAt, shown, windowOf } from "./recurrent.js";
import { number, percent, say, whole } from "./say.js";

const [REST, SLOW] = [100, 500]; // milliseconds between two pictures, and between two of a long row
const LONG = 40; // steps
const TOLD = 3; // letters whose probabilities stand above a step
const MORE = 12; // of the chosen step
const [WIDE, TALL] = [76, 34]; // of a state
const SMALLEST = 1e-12; // gradient that has a bar

class Unrolled extends StudioElement {
  static watches = ["data", "row", "step", "layers", "side", "compare"];

  #last = 0;

  render() {
    const { reading, at: array, second } = lookedAt(this.state);
    if (!reading) return html`<p class="soft">${say("waiting")}</p>`;
    const letters = reading.text;
    const steps = letters.length - 1;
    const flow = second ? null : this.state.frames.a.flow; // looked at in the first network alone
    const output = array("steps/output");
    const at = this.state.step === null ? null : Math.min(this.state.step, steps - 1);
    return html`<h2>${say("unrolled")}</h2><p class="small soft">${say("unrolled-how")}</p>
      ${this.#rows(reading)}
      <div class="scroll unrolled" tabindex="0" role="region" aria-label=${say("unrolled")}><table>
        <caption class="unseen">${say("unrolled-told", { text: letters.slice(0, -1).join(""), steps })}</caption>
        <thead><tr><th scope="col" class="what">${say("step-column")}</th><td></td>${each(steps, (t) => html`<th scope="col"><button class="plain" data-step=${t} aria-pressed=${t === at} @click=${() => this.studio.store.set({ step: t === at ? null : t })}>t = ${t + 1}</button></th>`)}</tr></thead>
        <tbody>
          <tr class="outputs"><th scope="row" class="what">${say("expects")} <i>yₜ</i></th><td></td>${each(steps, (t) => this.#expected(output, reading.letters, t, letters[t + 1]))}</tr>
          ${[...reading.layers].reverse().map(({ path, kind }, index) => this.#states(path, kind, reading.layers.length - index, steps, reading.layers.length))}
          <tr class="inputs"><th scope="row" class="what">${say("reads")} <i>xₜ</i></th><td></td>${each(steps, (t) => html`<td class=${t === at ? "now" : ""}><span class="up" aria-hidden="true">↑</span><b class="writing">${shown(letters[t])}</b></td>`)}</tr>
          ${reading.layers.map(({ path, kind }, index) => this.#gradients(path, reading.layers.length > 1 ? `${kind} (${index + 1})` : "", flow))}
        </tbody></table></div>
      <p class="small soft">${say("same-weights")}</p>
      ${at === null ? html`<p class="small">${say("choose-step")}</p>` : this.#step(at, reading, output)}`;
  }

  #rows({ row }) {
    const { data } = this.state;
    if (data.rows < 2) return nothing;
    const go = (to) => this.studio.chooseRow((to + data.rows) % data.rows);
    return html`<div class="row small"><button data-do="row-before" aria-label=${say("row-before")} @click=${() => go(row - 1)}>←</button>
      <span class="n">${say("row-of", { row, all: whole(data.rows) })}</span><button data-do="row-after" aria-label=${say("row-after")} @click=${() => go(row + 1)}>→</button>
      <span class="writing">${[...windowOf(data, row)].map(shown).join("")}</span></div>`;
  }

  // The likeliest letters with their probabilities; the one that does come next is marked.
  #expected(output, letters, t, next) {
    const chances = chancesAt(output, t);
    const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).slice(0, TOLD);
    const truth = letters.indexOf(next);
    if (!order.includes(truth) && truth >= 0) order[order.length - 1] = truth;
    const right = order[0] === truth;
    return html`<td class=${t === this.state.step ? "now" : ""}><div class="expected">${order.map((letter) => html`<div class=${letter === truth ? "truth" : ""}><span class="writing">${shown(letters[letter])}</span>
      <meter min="0" max="1" value=${chances[letter].toFixed(4)} aria-label=${shown(letters[letter])}></meter><span class="n">${percent(chances[letter], 0)}</span></div>`)}</div>
      <span class="small ${right ? "good" : "bad"}">${right ? "✓" : "✗"} ${say(right ? "says-right" : "says-wrong", { letter: shown(next) })}</span></td>`;
  }

  #states(path, kind, count, steps, all) {
    const name = all > 1 ? html`<i>hₜ</i><sup>(${count})</sup>` : html`<i>hₜ</i>`;
    return html`<tr class="states"><th scope="row" class="what">${kind} ${name}</th>
        <td class="first"><span class="state zero">0</span><span class="small"><i>h</i>₀</span></td>
        ${each(steps, (t) => html`<td class=${t === this.state.step ? "now" : ""}><span class="up" aria-hidden="true">↑</span><span class="to" aria-hidden="true">→</span>
          <canvas class="state" data-state=${`${path}/${t}`} .style=${`width:${WIDE}px;height:${TALL}px`} role="img" aria-label=${this.#told(path, t)}></canvas></td>`)}</tr>`;
  }

  // How much gradient reaches the state at each step, over some rows.
  #gradients(path, name, flow) {
    const sizes = flow?.find(({ layer }) => layer === path)?.steps;
    if (!sizes) return nothing;
    return html`<tr class="gradients" data-gradients=${path}><th scope="row" class="what">${name} ‖∂L/∂hₜ‖</th><td></td>${sizes.map((size) => html`<td>${gradientBar(size, sizes)}<span class="n small">${number(size, 2)}</span></td>`)}</tr>`;
  }

  #told(path, t) {
    const states = lookedAt(this.state).at(`steps/${path}/hidden`);
    if (!states) return "";
    const units = states.shape[1];
    const own = Array.from(states.values.subarray(t * units, (t + 1) * units));
    return say("state-told", { step: t + 1, count: units, low: number(own.reduce((a, b) => Math.min(a, b)), 2), high: number(own.reduce((a, b) => Math.max(a, b)), 2) });
  }

  #step(t, { text, letters, layers }, output) {
    const chances = chancesAt(output, t);
    const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).slice(0, MORE);
    const { at } = lookedAt(this.state);
    return html`<div class="step-told" data-step-told=${t}><h3>${say("step-title", { step: t + 1, letter: shown(text[t]), next: shown(text[t + 1]) })}</h3>
      <div class="step-columns"><table><caption class="small">${say("chances-of-next")}</caption><tbody>${order.map((letter) => html`<tr><th scope="row" class="writing">${shown(letters[letter])}</th><td class="n">${percent(chances[letter])}</td></tr>`)}</tbody></table>
      ${layers.map(({ path, kind }, index) => stateTable(at(`steps/${path}/hidden`), t, `${kind} ${index + 1}`))}</div></div>`;
  }

  updated() {
    this.paint();
  }

  paint() {
    const { reading, at: array } = lookedAt(this.state);
    if (!reading) return;
    const dark = getComputedStyle(this).getPropertyValue("--paper").trim();
    for (const canvas of this.querySelectorAll("canvas[data-state]")) {
      const at = canvas.dataset.state.lastIndexOf("/");
      const states = array(`steps/${canvas.dataset.state.slice(0, at)}/hidden`);
      if (states) paintState(canvas, states, Number(canvas.dataset.state.slice(at + 1)), dark);
    }
  }

  frameArrived({ playing }) {
    const now = performance.now();
    const long = (this.state.data?.text?.steps ?? 0) > LONG;
    if (playing && now - this.#last < (long ? SLOW : REST)) return;
    this.#last = now;
    this.requestUpdate();
  }
}

const each = (count, make) => Array.from({ length: count }, (_, t) => make(t));

function chancesAt(output, t) {
  const count = output.shape[1];
  return output.values.subarray(t * count, (t + 1) * count);
}

// A square a unit: blue above zero, orange below.
function paintState(canvas, { shape: [, units], values }, t, paper) {
  fit(canvas, WIDE, TALL);
  const pen = canvas.getContext("2d");
  pen.fillStyle = paper;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const lines = units > 8 ? Math.max(1, Math.round(Math.sqrt((units * TALL) / WIDE))) : 1;
  const across = Math.ceil(units / lines);
  const [wide, tall] = [canvas.width / across, canvas.height / lines];
  for (let unit = 0; unit < units; unit++) {
    const value = values[t * units + unit];
    pen.fillStyle = css(signColour(value), Math.min(1, Math.abs(value)) ** 0.85);
    pen.fillRect((unit % across) * wide, Math.floor(unit / across) * tall, wide - 1, tall - 1);
  }
}

// Bars are logarithmic: each step back may shrink the gradient by a factor.
function gradientBar(size, sizes) {
  const logs = sizes.filter((one) => one > SMALLEST).map(Math.log10);
  if (!logs.length || !(size > SMALLEST)) return html`<span class="gradient"></span>`;
  const most = logs.reduce((a, b) => Math.max(a, b));
  const least = Math.min(logs.reduce((a, b) => Math.min(a, b)), most - 2);
  const share = (Math.log10(size) - least) / Math.max(most - least, 1e-9);
  return html`<span class="gradient" aria-hidden="true"><span .style=${`height:${(8 + 92 * share).toFixed(0)}%`}></span></span>`;
}

function stateTable(states, t, name) {
  if (!states) return nothing;
  const units = states.shape[1];
  const own = Array.from(states.values.subarray(t * units, (t + 1) * units));
  return html`<table><caption class="small">${say("state-of", { name })}</caption><tbody>${own.map((value, unit) => html`<tr><th scope="row">${say("unit-number", { unit: unit + 1 })}</th><td class="n">${number(value, 3)}</td></tr>`)}</tbody></table>`;
}

customElements.define("studio-unrolled", Unrolled);
