// Building: above each column of the network what it is, with + and −, activation and dropout; layers dragged by their names.
import { StudioElement } from "./element.js";
import { html, live, nothing } from "./lit.js";
import { announce } from "./announce.js";
import { hasRun, isText, KINDS } from "./recurrent.js";
import { number, say, told } from "./say.js";
import { part } from "./part.js";

const OF_RNN = ["tanh", "relu"];
const OF_RUN = "of-run"; // among the words: what the data's run has left
const DROPOUTS = [0, 0.1, 0.2, 0.3, 0.5];

class Builder extends StudioElement {
  static watches = ["spec", "catalog", "layers", "limits", "compare", "side", "data", "assignment", "askedNetwork"];
  static properties = { map: { attribute: false }, shows: {} };

  #dragged = null;

  // As it was asked for last, until the session has told what is there: who changes two layers quickly means both.
  get network() {
    const { spec, compare, side, askedNetwork } = this.state;
    return askedNetwork && side !== "b" ? askedNetwork : ((side === "b" && compare?.state) || spec)?.network ?? {};
  }

  get hidden_() {
    return this.network.word || this.network.architecture || this.network.of_run ? null : (this.network.layers ?? null);
  }

  render() {
    const { map } = this;
    if (!map) return nothing;
    const layers = this.hidden_;
    if (this.shows === "tools") return this.#toolbar(layers);
    if (!layers) return nothing;
    return html`<div class="heads" .style=${`width:${map.width}px`}>
      ${map.columns.map((column, index) => this.#head(column, index, layers, map.columns.length, map.width / map.columns.length))}</div>`;
  }

  #toolbar(layers) {
    const { catalog } = this.state;
    const { initializer } = this.network;
    return html`<div class="row net-tools">
      ${layers ? part(this.state, "layers", html`<span class="row stepper"><button class="round" data-do="less-layers" ?disabled=${layers.length === 0} aria-label=${say("remove-layer")} @click=${() => this.#layers(layers.slice(0, -1))}>−</button>
        <span><b class="n">${layers.length}</b> ${say(layers.length === 1 ? "hidden-layer" : "hidden-layers")}</span>
        <button class="round" data-do="more-layers" ?disabled=${layers.length >= this.#most("layers", 8)} aria-label=${say("add-layer")} @click=${() => this.#add(layers)}>+</button></span>`) : nothing}
      ${this.network.of_run ? nothing : part(this.state, "initializer", this.#choice("initializer", say("initializer"), withOwn(catalog?.initializers, initializer), initializer, (value) => this.#network({ initializer: value })))}
      ${part(this.state, "layers", html`${catalog?.words?.length ? this.#choice("word", say("network-word"), this.#words(), this.network.of_run ? OF_RUN : (this.network.word ?? ""), (word) => this.#word(word)) : nothing}
      ${this.network.word ? html`<label class="row inline">${say("word-itself")} <input type="text" data-do="word-text" spellcheck="false" .value=${live(this.network.word)} @change=${(event) => this.#word(event.target.value)} /></label>` : nothing}`)}
    </div>`;
  }

  // Words for pictures where rows are pictures; one that someone wrote is among them.
  #words() {
    const { catalog, data } = this.state;
    const listed = (isText(this.state) ? catalog.text_words : catalog.words).filter(({ pictures }) => !pictures || data?.picture).map(named).filter(({ name }) => name);
    const own = this.network.word && !listed.some(({ name }) => name === this.network.word) ? [named(this.network.word)] : [];
    const left = hasRun(this.state) ? [{ name: OF_RUN, title: say("of-run") }] : [];
    return [...left, { name: "", title: say("own-layers") }, ...listed, ...own];
  }

  #choice(key, label, items, value, act) {
    if (!items?.length) return nothing;
    return html`<label class="row inline">${label} <select data-do=${key} @change=${(event) => act(event.target.value)}>
      ${items.map(named).map((item) => html`<option value=${item.name} ?selected=${item.name === (value ?? "")}>${told(item.title)}</option>`)}
    </select></label>`;
  }

  #head(column, index, layers, count, width) {
    const style = `width:${width}px`;
    const ends = index === 0 ? "inputs" : index === count - 1 ? "output" : null;
    if (ends) return html`<div class="head" .style=${style}><h3>${say(ends)}</h3><span class="soft small n">${column.layer.units}</span></div>`;
    const at = index - 1;
    const layer = layers[at];
    if (!layer) return html`<div class="head" .style=${style}></div>`;
    const name = say("layer-number", { number: index });
    return html`<div class="head hidden-head" .style=${style} data-layer=${at} @dragover=${(event) => this.#over(event)} @drop=${(event) => this.#drop(event, at)}>
      <h3>${part(this.state, "layers", html`<button class="plain grip" draggable="true" data-grip=${at} title=${say("move-layer")} aria-label=${say("move-layer-named", { name })}
        @dragstart=${(event) => this.#drag(event, at)} @keydown=${(event) => this.#moveByKey(event, at)}><span aria-hidden="true">⠿</span> ${name}</button>`)}</h3>
      ${part(this.state, "units", html`<span class="row stepper"><button class="round" data-do="less-units" aria-label=${say("fewer-units", { name })} ?disabled=${layer.units <= 1} @click=${() => this.#change(at, { units: layer.units - 1 })}>−</button>
        <b class="n" aria-label=${say("units-count", { count: layer.units })}>${layer.units}</b>
        <button class="round" data-do="more-units" aria-label=${say("more-units", { name })} ?disabled=${layer.units >= this.#most("units", 64)} @click=${() => this.#change(at, { units: layer.units + 1 })}>+</button></span>`)}
      ${isText(this.state) ? part(this.state, "layers", html`<select data-do="kind" aria-label=${say("kind-of", { name })} @change=${(event) => this.#change(at, { kind: event.target.value })}>
        ${KINDS.map((kind) => html`<option value=${kind} ?selected=${kind === (layer.kind ?? "linear")}>${say(`kind-${kind}`)}</option>`)}</select>`) : nothing}
      ${part(this.state, "activation", html`<select data-do="activation" ?hidden=${["lstm", "gru"].includes(layer.kind)} aria-label=${say("activation-of", { name })} @change=${(event) => this.#change(at, { activation: event.target.value })}>
        ${(layer.kind === "rnn" ? OF_RNN : (this.state.catalog?.activations ?? [])).map(named).map((item) => html`<option value=${item.name} ?selected=${item.name === layer.activation}>${told(item.title)}</option>`)}</select>`)}
      ${part(this.state, "dropout", html`<select data-do="dropout" aria-label=${say("dropout-of", { name })} @change=${(event) => this.#change(at, { dropout: Number(event.target.value) })}>
        ${DROPOUTS.map((rate) => html`<option value=${rate} ?selected=${rate === (layer.dropout ?? 0)}>${rate ? say("dropout-rate", { rate: number(rate) }) : say("no-dropout")}</option>`)}</select>`)}
    </div>`;
  }

  #most(key, otherwise) {
    return this.state.limits?.[key] ?? otherwise;
  }

  #network(change) {
    const network = { ...this.network, ...change };
    const { side, compare } = this.state;
    if (side === "b" && compare) return this.studio.session.ask("compare", { change: { network, training: compare.state.training } });
    this.studio.store.set({ askedNetwork: network });
    return this.studio.session.configure({ network }).finally(() => {
      if (this.state.askedNetwork === network) this.studio.store.set({ askedNetwork: null });
    });
  }

  #layers(layers) {
    announce(say("layers-now", { count: layers.length }));
    return this.#network({ layers });
  }

  #add(layers) {
    const last = layers.at(-1) ?? (isText(this.state) ? { units: 8, kind: "rnn" } : { units: 4, activation: "tanh" });
    this.#layers([...layers, { ...last }]);
  }

  #change(at, change) {
    const layers = this.hidden_.map((layer, index) => (index === at ? { ...layer, ...change } : layer));
    if (change.units) announce(say("units-now", { number: at + 1, count: change.units }));
    this.#network({ layers });
  }

  #word(word) {
    const left = word === OF_RUN;
    this.#network({ word: left ? "" : word, of_run: left, architecture: null, weights: null });
  }

  #drag(event, at) {
    this.#dragged = at;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", String(at));
  }

  #over(event) {
    if (this.#dragged !== null) event.preventDefault();
  }

  #drop(event, at) {
    event.preventDefault();
    if (this.#dragged !== null && this.#dragged !== at) this.#move(this.#dragged, at);
    this.#dragged = null;
  }

  #moveByKey(event, at) {
    const to = at + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0);
    if (to === at || to < 0 || to >= this.hidden_.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(at, to);
    this.updateComplete.then(() => this.querySelector(`[data-grip="${to}"]`)?.focus());
  }

  #move(from, to) {
    const layers = [...this.hidden_];
    layers.splice(to, 0, ...layers.splice(from, 1));
    this.#layers(layers);
  }
}

// What is listed, and what is there although it isn't: a task may begin with a setting of its own.
const withOwn = (items, value) => (!items || !value || items.map(named).some(({ name }) => name === value) ? items : [...items, value]);

// The catalogue names things by a word or by {name, title}.
export const named = (item) => {
  const { name, title } = typeof item === "string" ? { name: item } : item;
  return { name, title: title ?? (name === "" ? say("usual") : name === "none" ? say("none") : name) };
};

customElements.define("studio-builder", Builder);
