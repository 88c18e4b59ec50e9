// The numbers of what was clicked: a weight's chain rule and step, or what a unit computes.
import { biasName, weightName } from "./chosen.js";
import { histogram } from "./drawing/histogram.js";
import { fit, paintValues } from "./drawing/map.js";
import { StudioElement } from "./element.js";
import { changed, shownLayers } from "./side.js";
import { html, nothing } from "./lit.js";
import { gateOffset, isText, shown } from "./recurrent.js";
import { number, percent, say, told, whole } from "./say.js";
import { paintFilters } from "./filters.js";
import { throughTime } from "./through-time.js";
import { part } from "./part.js";

class Numbers extends StudioElement {
  static watches = ["explained", "chosen", "layers", "row", "data", "compare", "side", "assignment"];

  render() {
    const { chosen, explained } = this.state;
    if (!chosen || chosen.source) return html`<div class="hint"><h2>${say("numbers")}</h2><p>${say("click-something")}</p><p class="soft small">${say("click-something-keys")}</p></div>`;
    if (!explained) return html`<h2>${say("numbers")}</h2><p class="soft">${say("waiting")}</p>`;
    return explained.weight ? this.#weight(explained) : explained.unit ? this.#unit(explained) : nothing;
  }

  #of({ update, rows, unit }) {
    const { row } = this.state;
    const after = { update: whole(update), rows: whole(rows ?? 1) };
    if (isText(this.state) && (rows ?? 1) === 1) return html`<p class="soft small">${say("of-row", { row: row ?? 0, ...after })}</p>`;
    return html`<p class="soft small">${row !== null ? say("of-row", { row, ...after }) : unit ? say("of-unit", after) : rows > 1 ? say("of-batch", after) : say("of-batch-of-one", after)}</p>`;
  }

  #weight(explained) {
    const { weight } = explained;
    return html`<h2>${say("weight")} <span class="formula">${weight.symbol}</span> = <span class="n" data-told="weight">${number(weight.value)}</span></h2>
      ${this.#of(explained)}
      ${weight.through_time ? throughTime(weight) : this.#chain(weight)}
      ${weight.rule && weight.rule !== weight.lines?.[0]?.text ? html`<p class="formula rule">${weight.rule}</p>` : nothing}
      <div class="lines scroll" tabindex="0" role="region" aria-label=${say("in-symbols-and-numbers")}>${(weight.lines ?? []).map((line) => html`<p class="formula">${line.text ?? line}</p>`)}</div>
      <p class="step"><span class="soft">${say("next-step")}</span> <span class="formula n">${number(weight.value)} → <b>${number(weight.new)}</b></span></p>
      ${told(weight.note) ? html`<p class="small" data-told="weight-note">${told(weight.note)}</p>` : nothing}
      ${this.#edit(weight.value)}`;
  }

  // Of one row the gradient is a product; of several it is the mean of such products, and no product of means.
  #chain(weight) {
    const { upstream, local, downstream, symbol } = weight;
    const product = this.state.row !== null && upstream !== null && local !== null;
    return html`<div class="chain" role="group" aria-label=${say("chain-rule")}>
        ${product ? html`${this.#factor("upstream", upstream, "∂L/∂y")}<span class="times" aria-hidden="true">×</span>
          ${this.#factor("local", local, `∂y/∂${symbol} = x`)}<span class="times" aria-hidden="true">=</span>` : nothing}
        ${this.#factor("downstream", downstream, `∂L/∂${symbol}`)}
        ${this.state.row === null ? html`<span class="small soft mean">${say("mean-of-rows")} <button data-do="take-row" @click=${() => this.studio.chooseRow(0)}>${say("take-row")}</button></span>` : nothing}
      </div>`;
  }

  #factor(name, value, sign) {
    return html`<div class="factor ${name}"><span class="small">${say(name)}</span><b class="n" data-told=${name}>${number(value)}</b><span class="formula small">${sign}</span></div>`;
  }

  #edit(value) {
    const { chosen } = this.state;
    const place = chosen.input === undefined || chosen.input === null ? biasName(chosen) : weightName(chosen);
    return part(this.state, "weights", html`<form class="row edit" @submit=${(event) => this.#set(event, place)}>
      <label class="row inline">${say(place.includes("bias") ? "set-bias" : "set-weight")} <input name="value" data-do="edit-value" type="number" step="any" required data-now=${`${place} ${String(Number(value.toPrecision(6)))}`} /></label>
      <button data-do="edit">${say("set")}</button></form>`);
  }

  // Another weight or another value is filled in, but nothing under the hand of someone who types.
  #fillIn() {
    const input = this.querySelector('[data-do="edit-value"]');
    if (!input || input.filled === input.dataset.now || document.activeElement === input) return;
    input.filled = input.dataset.now;
    input.value = input.filled.split(" ")[1];
  }

  async #set(event, place) {
    event.preventDefault();
    const answer = await this.studio.session.ask("edit", { place, value: Number(event.target.elements.value.value), ...changed(this.state) });
    if (answer) this.studio.explain();
  }

  #unit(explained) {
    const { unit } = explained;
    const { chosen } = this.state;
    const layers = shownLayers(this.state);
    const index = layers.findIndex(({ path }) => path === chosen.layer);
    const frozen = layers[index]?.frozen?.includes?.(chosen.unit) ?? false;
    return html`<h2>${say("unit-of-layer", { unit: chosen.unit + 1, layer: index })}</h2>
      ${this.#of(explained)}
      <div class="unit-columns">
        ${explained.arrays?.map ? html`<figure class="unit-map"><canvas data-unit-map role="img" aria-label=${say("unit-map-told", { low: number(unit.low), high: number(unit.high) })}></canvas><figcaption class="small soft">${say("over-plane")}</figcaption></figure>` : nothing}
        <div class="unit-facts">
          ${unit.formula ? html`<p class="formula">${unit.formula}</p>` : nothing}
          ${(unit.lines ?? []).map((line) => html`<p class="formula">${line.text ?? line}</p>`)}
          ${unit.series ? this.#series(unit) : nothing}
          <dl class="facts">
            ${unit.value === undefined || unit.value === null ? nothing : html`<dt>${say("value-here")}</dt><dd class="n">${number(unit.value)}</dd>`}
            ${unit.mean === undefined || unit.mean === null ? nothing : html`<dt>${say("over-rows")}</dt><dd class="n">${say("from-to", { low: number(unit.low, 3), high: number(unit.high, 3), mean: number(unit.mean, 3) })}</dd>`}
            ${unit.alive === undefined || unit.alive === null ? nothing : html`<dt>${say("alive")}</dt><dd>${this.#alive(unit.alive)}</dd>`}
          </dl>
          ${unit.histogram?.length ? html`<figure class="unit-histogram" data-unit-histogram><figcaption class="small soft">${say("unit-histogram")}</figcaption>${histogram({ low: unit.low, high: unit.high, counts: unit.histogram }, unit.value ?? null)}</figure>` : nothing}
          <div class="row">${part(this.state, "weights", html`<button data-do="freeze" aria-pressed=${frozen} @click=${() => this.studio.session.ask("freeze", { layer: chosen.layer, unit: chosen.unit, on: !frozen, ...changed(this.state) })}>❄ ${say(frozen ? "frozen" : "freeze")}</button>`)}</div>
          ${unit.bias === undefined || unit.bias === null ? nothing : this.#edit(unit.bias)}
        </div>
        ${this.#picture(unit)}
        ${this.#weights(unit, index)}
      </div>`;
  }

  // What it says along the row, step by step.
  #series({ series, letters }) {
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("along-row")}><table class="series"><caption class="small">${say("along-row")}</caption><tbody><tr>${letters.map((letter) => html`<th scope="col" class="writing">${shown(letter)}</th>`)}</tr>
      <tr>${series.map((value) => html`<td class="n small">${number(value, 2)}</td>`)}</tr></tbody></table></div>`;
  }

  // Whose incoming weights are listed.
  #gates({ gates, gate }, layer) {
    if (!gates?.length) return nothing;
    const choose = (name) => this.studio.choose({ ...this.state.chosen, gate: name, offset: gateOffset(layer, name) });
    return html`<label class="row inline small">${say("weights-of-gate")} <select data-do="gate" @change=${(event) => choose(event.target.value)}>${gates.map((name) => html`<option value=${name} ?selected=${name === gate}>${say(`gate-${name}`)}</option>`)}</select></label>`;
  }

  // Weights of pixels are a picture themselves.
  #picture({ weights }) {
    const pixels = this.state.data?.picture?.reduce((product, side) => product * side, 1);
    if (!weights?.length || weights.length !== pixels || this.state.layers[0].path === this.state.chosen.layer) return nothing;
    return html`<figure class="unit-weights"><canvas data-unit-weights class="pixels" role="img" aria-label=${say("weights-picture-told")}></canvas><figcaption class="small soft">${say("weights-picture")}</figcaption></figure>`;
  }

  #alive(alive) {
    if (typeof alive === "boolean") return html`<span class=${alive ? "good" : "bad"}>${say(alive ? "alive-yes" : "alive-no")}</span>`;
    return html`<span class=${alive > 0 ? "good" : "bad"}>${alive > 0 ? say("alive-share", { share: percent(alive, 0) }) : say("alive-no")}</span>`;
  }

  // The way to a weight without a mouse, and a table of them all.
  #weights(unit, index) {
    const { chosen, layers, data } = this.state;
    const weights = unit.weights ?? [];
    if (!weights.length) return nothing;
    const most = Math.max(1e-9, ...weights.map((one) => Math.abs(one.value ?? one)));
    if (isText(this.state)) return this.#weightsOfText(unit, index, most);
    const names = index === 1 ? data?.columns : null; // of the inputs; units are counted
    return html`<div class="weights scroll" tabindex="0" role="region" aria-label=${say("incoming")}><table><caption class="small">${say("incoming")}</caption><tbody>
      ${weights.map((one, input) => html`<tr><th scope="row"><button class="plain" data-weight=${input} @click=${() => this.studio.choose({ layer: chosen.layer, unit: chosen.unit, input })}>${names?.[input] ?? say("unit-number", { unit: input + 1 })}</button></th>
        <td class="n">${number(one.value ?? one)}</td><td class="bar">${bar((one.value ?? one) / most)}</td></tr>`)}</tbody></table></div>`;
  }

  #weightsOfText(unit, index, most) {
    const { chosen, layers } = this.state;
    const { weights } = unit;
    const choose = ({ input, from }) => this.studio.choose({ layer: chosen.layer, unit: chosen.unit, input, from: from === "state" ? from : undefined, kind: chosen.kind, gate: unit.gate, offset: gateOffset(layers[index], unit.gate) });
    return html`<div class="text-weights">${this.#gates(unit, layers[index])}<div class="weights scroll" tabindex="0" role="region" aria-label=${say("incoming")}><table><caption class="small">${say("incoming")}</caption><tbody>
      ${weights.map((one) => html`<tr><th scope="row"><button class="plain" data-place=${one.place} @click=${() => choose(one)}>${one.from === "state" ? html`hₜ₋₁, ${say("unit-number", { unit: one.input + 1 })}` : html`xₜ, ${one.name ?? say("unit-number", { unit: one.input + 1 })}`}</button></th>
        <td class="n">${number(one.value)}</td><td class="bar">${bar(one.value / most)}</td></tr>`)}</tbody></table></div></div>`;
  }

  updated() {
    this.#fillIn();
    this.#paintWeights();
    const canvas = this.querySelector("[data-unit-map]");
    const map = this.state.explained?.arrays?.map;
    if (!canvas || !map) return;
    fit(canvas, 150);
    let most = 0.3;
    for (const value of map.values) if (Math.abs(value) > most) most = Math.abs(value);
    paintValues(canvas, map.values, map.shape[0], most);
  }

  #paintWeights() {
    const canvas = this.querySelector("[data-unit-weights]");
    if (!canvas) return;
    const [height, width, channels] = this.state.data.picture;
    paintFilters(canvas, { outputs: 1, height, width, channels, values: this.state.explained.unit.weights.map(({ value }) => value) });
    canvas.style.width = "";
  }
}

// A bar to the left or right of the middle, for a share from −1 to 1.
export function bar(share) {
  const width = Math.abs(share) * 40;
  return html`<svg width="84" height="12" aria-hidden="true"><rect class=${share < 0 ? "below" : "above"} x=${share < 0 ? 42 - width : 42} y="2" width=${width} height="8"></rect><path d="M42 0V12" class="zero"></path></svg>`;
}

customElements.define("studio-numbers", Numbers);
