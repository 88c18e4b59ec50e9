// How it is trained: optimizer, batch, penalty, seed. A change begins anew; the rate alone can change on the way.
import { named } from "./builder.js";
import { StudioElement } from "./element.js";
import { html, live, nothing } from "./lit.js";
import { leadTo } from "./lead.js";
import { isRecurrent, KINDS } from "./recurrent.js";
import { number, say, told } from "./say.js";
import { mayChange, part } from "./part.js";
import { RATES } from "./time-bar.js";

const STRENGTHS = [0, 0.0001, 0.001, 0.01, 0.1];
const HELD = [0, 0.1, 0.2, 0.3, 0.5];
const PART_OF = { strength: "penalty", kind: "layers" };
const BATCHES = [0, 1, 4, 10, 16, 32, 64, 128, 256];

class TrainingPanel extends StudioElement {
  static watches = ["catalog", "spec", "compare", "at", "assignment"];
  static properties = { difference: { state: true } };

  render() {
    const { spec, catalog } = this.state;
    if (!spec || !catalog) return html`<h2>${say("training")}</h2>`;
    const { optimizer, batch, penalty, strength, held, seed, loss } = spec.training;
    return html`<h2>${say("training")}</h2><div class="fields">
      ${this.#choice("optimizer", say("optimizer"), catalog.optimizers, optimizer)}
      ${catalog.losses ? this.#choice("loss", say("loss"), catalog.losses, loss) : nothing}
      ${batch === undefined ? nothing : this.#numbers("batch", say("batch"), BATCHES, batch)}
      ${catalog.penalties ? this.#choice("penalty", say("penalty"), catalog.penalties, penalty) : nothing}
      ${penalty && penalty !== "none" ? this.#numbers("strength", say("strength"), STRENGTHS, strength) : nothing}
      ${held === undefined ? nothing : this.#numbers("held", say("held-share"), HELD, held)}
      ${seed === undefined ? nothing : part(this.state, "seed", html`<label class="field">${say("seed")}<input type="number" data-do="seed" min="0" step="1" .value=${live(String(seed))} @change=${(event) => this.#set({ seed: Number(event.target.value) })} /></label>`)}
    </div>${this.#compare()}`;
  }

  #choice(key, label, items, value) {
    return part(this.state, key, html`<label class="field">${label}<select data-do=${key} @change=${(event) => this.#set({ [key]: event.target.value })}>
      ${items.map(named).map((item) => html`<option value=${item.name} ?selected=${item.name === (value ?? "")}>${told(item.title)}</option>`)}</select></label>`);
  }

  #numbers(key, label, items, value) {
    const all = items.includes(value) ? items : [...items, value].sort((a, b) => a - b);
    return part(this.state, PART_OF[key] ?? key, html`<label class="field">${label}<select data-do=${key} @change=${(event) => this.#set({ [key]: Number(event.target.value) })}>
      ${all.map((item) => html`<option value=${item} ?selected=${item === value}>${item === 0 ? say(key === "batch" ? "all-rows" : "none") : key === "held" ? `${number(item * 100)} %` : number(item)}</option>`)}</select></label>`);
  }

  #set(change) {
    return this.studio.session.configure({ training: { ...this.state.spec.training, ...change } });
  }

  // Two networks beside each other, with one difference.
  #compare() {
    const { compare } = this.state;
    if (compare) return html`<div class="beside"><h3>${say("beside")}</h3><p class="small">${say("beside-now")}</p>
      <div class="row"><button data-do="keep" @click=${() => this.#end("keep")}>${say("keep-other")}</button>
      <button data-do="discard" @click=${() => this.#end("discard")}>${say("keep-this")}</button></div></div>`;
    const keys = this.#differences();
    if (!keys.length) return html`<div class="beside"><h3>${say("beside")}</h3><p class="small soft">${say("task-keeps")}</p></div>`;
    return html`<div class="beside"><h3>${say("beside")}</h3>
      <label class="field">${say("beside-what")}<select data-do="difference" @change=${(event) => (this.difference = event.target.value)}>
        ${keys.map((key) => html`<option value=${key} ?selected=${key === this.#difference}>${say(`difference-${key}`)}</option>`)}</select></label>
      ${this.#values()}</div>`;
  }

  // What two networks may differ in: all that a task lets one change.
  #differences() {
    const { network } = this.state.spec;
    const keys = ["rate", "optimizer", "activation", "initializer", "batch", ...(isRecurrent(network) && !network.word ? ["kind"] : [])];
    return keys.filter((key) => mayChange(this.state, PART_OF[key] ?? key));
  }

  get #difference() {
    const keys = this.#differences();
    return keys.includes(this.difference) ? this.difference : keys[0];
  }

  #values() {
    const { spec, catalog } = this.state;
    const key = this.#difference;
    const { rate, batch } = spec.training;
    const lists = {
      rate: RATES.filter((value) => value !== rate).map((value) => [String(value), number(value)]),
      batch: BATCHES.filter((value) => value !== batch).map((value) => [String(value), value ? number(value) : say("all-rows")]),
      optimizer: catalog.optimizers.map(named).filter(({ name }) => name !== spec.training.optimizer).map(({ name, title }) => [name, told(title)]),
      activation: catalog.activations.map(named).filter(({ name }) => spec.network.layers?.some((layer) => layer.activation !== name)).map(({ name, title }) => [name, told(title)]),
      kind: KINDS.filter((kind) => spec.network.layers?.some((layer) => layer.kind !== kind)).map((kind) => [kind, say(`kind-${kind}`)]),
      initializer: (catalog.initializers ?? []).map(named).filter(({ name }) => name !== spec.network.initializer).map(({ name, title }) => [name, told(title)]),
    };
    const first = lists[key].findIndex(([value]) => key !== "rate" || Number(value) >= 9 * rate); // a rate ten times as high
    return html`<form class="row" @submit=${(event) => this.#begin(event, key)}><select name="value" data-do="difference-value" aria-label=${say("beside-value")}>
      ${lists[key].map(([value, text], index) => html`<option value=${value} ?selected=${index === Math.max(first, 0)}>${text}</option>`)}</select>
      <button data-do="compare">${say("compare")}</button></form>`;
  }

  async #begin(event, key) {
    event.preventDefault();
    const { value } = event.target.elements.value;
    const { training, network } = this.state.spec;
    const changes = {
      rate: () => ({ training: { ...training, rate: Number(value) } }),
      batch: () => ({ training: { ...training, batch: Number(value) } }),
      optimizer: () => ({ training: { ...training, optimizer: value } }),
      activation: () => ({ network: { ...network, layers: network.layers.map((layer) => ({ ...layer, activation: value })) } }),
      kind: () => ({ network: { ...network, layers: network.layers.map((layer) => ({ ...layer, kind: value })) } }),
      initializer: () => ({ network: { ...network, initializer: value } }),
    };
    if (await this.studio.session.ask("compare", { change: changes[key]() })) leadTo("studio-output h2");
  }

  #end(how) {
    this.studio.store.set({ side: "a" });
    this.studio.session.ask(how);
  }
}

customElements.define("studio-training", TrainingPanel);
