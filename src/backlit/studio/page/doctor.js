// The doctor: what it finds, what would help, "try it" beside the network; and a fault planted for pupils to find.
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { say, told } from "./say.js";
import { ofShown, shownLayers, shownName } from "./side.js";

class Doctor extends StudioElement {
  static watches = ["findings", "spotted", "compare", "side", "planted", "judged", "catalog", "at", "layers"];

  #asked = null;

  connectedCallback() {
    super.connectedCallback();
    this.#ask();
  }

  // Of which network, at which update.
  get #subject() {
    return `${ofShown(this.state).side} ${this.state.at?.update}`;
  }

  // Anew at each rest, and whenever something else is spotted on the way.
  async #ask() {
    const { at, connection } = this.state;
    if (this.asking || connection !== "open" || !at) return;
    this.asking = true;
    this.#asked = this.#subject;
    await this.studio.session.ask("doctor", ofShown(this.state));
    this.asking = false;
    this.requestUpdate();
  }

  updated(changed) {
    const { at } = this.state;
    if (at && !at.playing && this.#subject !== this.#asked) this.#ask();
  }

  render() {
    const { findings } = this.state;
    return html`<div class="doctor"><div><div class="row spread"><h2>${say("doctor")}${shownName(this.state)}</h2><button data-do="doctor" @click=${() => this.#ask()}>${say("look-again")}</button></div>
      ${this.state.compare ? this.#trial() : nothing}
      ${findings === null ? html`<p class="soft">${say("waiting")}</p>` : findings.length ? findings.map((finding) => this.#finding(finding)) : html`<p class="well">${say("nothing-found")}</p>`}</div>
      ${this.#game()}</div>`;
  }

  #finding({ key, severity, title, text, where, remedy, layer, change }) {
    const layers = shownLayers(this.state) ?? [];
    const at = layers.findIndex(({ path }) => path === layer);
    return html`<article class="finding ${severity ?? ""}" data-finding=${key}><h3>${told(title)}</h3>
      ${at > 0 ? html`<p class="small soft">${at === layers.length - 1 ? say("output") : say("layer-number", { number: at })}</p>` : nothing}
      <p>${told(text)}</p>${told(where) ? html`<p class="small soft">${told(where)}</p>` : nothing}${remedy ? html`<p><b>${say("remedy")}</b> ${/^[\w.]+\(/.test(told(remedy)) ? html`<code>${told(remedy)}</code>` : told(remedy)}</p>` : nothing}
      ${change ? html`<button class="main" data-do="try" ?disabled=${Boolean(this.state.compare)} @click=${() => this.studio.session.ask("try", { key })}>${say("try-it")}</button>` : nothing}</article>`;
  }

  #trial() {
    return html`<div class="well"><p>${say("trial", { what: told(this.state.compare.note) })}</p><div class="row"><button data-do="keep" @click=${() => this.studio.session.ask("keep")}>${say("keep-other")}</button>
      <button data-do="discard" @click=${() => this.studio.session.ask("discard")}>${say("keep-this")}</button></div></div>`;
  }

  #game() {
    const { planted, judged, catalog } = this.state;
    return html`<div class="game"><h2>${say("break-it")}</h2><p class="small soft">${say("break-how")}</p>
      <button data-do="break" @click=${() => this.#break()}>${say(planted ? "break-another" : "break-now")}</button>
      ${planted && catalog?.faults ? html`<form @submit=${(event) => this.#guess(event)}><fieldset><legend>${say("what-is-wrong")}</legend>
        ${catalog.faults.map(({ key, title }) => html`<label class="choice"><input type="radio" name="fault" value=${key} required />${told(title)}</label>`)}</fieldset><button class="main" data-do="guess">${say("answer")}</button></form>` : nothing}
      ${judged ? html`<p class=${judged.right ? "well" : "bad"} role="status"><b>${say(judged.right ? "right" : "wrong")}</b> ${told(judged.what)}</p>` : nothing}</div>`;
  }

  #break() {
    this.studio.store.set({ judged: null });
    this.studio.session.ask("break");
  }

  #guess(event) {
    event.preventDefault();
    this.studio.session.ask("guess", { key: event.target.elements.fault.value });
  }
}

customElements.define("studio-doctor", Doctor);
