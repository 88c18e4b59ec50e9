// The whole page: header, time, and either the studio or the worked examples.
import { StudioElement } from "./element.js";
import { html, LitElement, nothing, repeat } from "./lit.js";
import { LANGUAGES, say } from "./say.js";
import "./time-bar.js";
import "./data.js";
import "./training.js";
import "./network.js";
import "./builder.js";
import "./output.js";
import "./below.js";
import "./walk.js";
import "./task.js";

// Made before there is a store: it begins to show itself when the texts are there.
class App extends LitElement {
  createRenderRoot() {
    return this;
  }

  begin() {
    this.begun = true;
    this.requestUpdate();
  }

  render() {
    return this.begun ? html`<studio-shell></studio-shell>` : nothing;
  }
}

class Shell extends StudioElement {
  static watches = ["connection", "connectionReason", "messages", "mode", "notes", "diverged", "planted", "compare", "side", "both", "assignment", "kept"];

  connectedCallback() {
    super.connectedCallback();
    this.keys = (event) => this.#key(event);
    document.addEventListener("keydown", this.keys);
    for (const kind of DROPPING) document.addEventListener(kind, stay);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("keydown", this.keys);
    for (const kind of DROPPING) document.removeEventListener(kind, stay);
  }

  render() {
    const { mode } = this.state;
    document.title = say("title");
    return html`
      <header class="top">
        <div class="brand"><img src="icon.svg" width="26" height="26" alt="" /><h1>${say("title")}</h1></div>
        <div class="segments" role="group" aria-label=${say("what-to-do")}>
          ${["studio", "walk"].map((name) => html`<button data-mode=${name} aria-pressed=${mode === name} @click=${() => this.studio.store.set({ mode: name })}>${say(`mode-${name}`)}</button>`)}
        </div>
        <div class="end">
          <div class="segments" role="group" aria-label=${say("language")}>
            ${Object.entries(LANGUAGES).map(([code, own]) => html`<button lang=${code} data-language=${code} aria-pressed=${this.state.language === code} @click=${() => this.studio.language(code)}>${own}</button>`)}
          </div>
        </div>
      </header>
      ${this.#connection()}${this.#kept()}
      ${mode === "walk" ? html`<main><studio-walk></studio-walk></main>` : this.#studio()}
      <div class="messages">${repeat(this.state.messages, ({ key }) => key, (message) => this.#message(message))}</div>`;
  }

  #connection() {
    const { connection, connectionReason: reason } = this.state;
    if (connection === "open") return nothing;
    const loading = connection === "loading";
    return html`<div class=${loading ? "connection loading" : "connection"} role=${loading ? "status" : "alert"}>${say(`connection-${connection}`)} ${reason.part ? partOf(connection, reason) : reason}</div>`;
  }

  #studio() {
    const { compare, side } = this.state;
    return html`
      <studio-time></studio-time>
      <main>
        ${this.state.assignment ? html`<studio-task></studio-task>` : nothing}
        <div class="columns">
          <div class="stack side-data"><section class="panel" aria-label=${say("data")}><studio-data></studio-data></section>
            <section class="panel" aria-label=${say("training")}><studio-training></studio-training></section></div>
          <div class="middle"><section class="panel" aria-label=${say("network")}>
            <div class="row spread"><h2>${say("network")}</h2>${compare ? this.#sides(side) : nothing}</div>
            <studio-network></studio-network>
          </section>
          <studio-below></studio-below></div>
          <section class="panel side-output" aria-label=${say("output")}><studio-output></studio-output></section>
        </div>
      </main>`;
  }

  #sides(side) {
    return html`<div class="row"><div class="segments" role="group" aria-label=${say("which-network")}>
      ${["a", "b"].map((name) => html`<button data-side=${name} aria-pressed=${side === name} @click=${() => this.studio.store.set({ side: name, explained: null })}>${say(name === "a" ? "this-network" : "other-network")}</button>`)}</div>
      <label class="small"><input type="checkbox" data-do="both" .checked=${this.state.both} @change=${(event) => this.studio.store.set({ both: event.target.checked })} />${say("change-both")}</label></div>`;
  }

  // What a page that was here before has kept, where the session has begun anew.
  #kept() {
    const { kept } = this.state;
    if (!kept) return nothing;
    return html`<div class="connection" role="status"><span>${say("kept", { time: new Date(kept.when).toLocaleTimeString(this.state.language, { hour: "2-digit", minute: "2-digit" }) })}</span>
      <button data-do="bring-back" @click=${() => this.studio.bringBack()}>${say("bring-back")}</button>
      <button class="plain" data-do="not-back" @click=${() => this.studio.store.set({ kept: null })}>${say("not-back")}</button></div>`;
  }

  #message({ key, text, kind }) {
    return html`<div class="message ${kind}"><span>${text}</span>
      <button class="plain" aria-label=${say("close")} @click=${() => this.studio.store.set({ messages: this.state.messages.filter((one) => one.key !== key) })}>✕</button></div>`;
  }

  // Keys that work wherever nothing is being filled in.
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [role='tab']")) return;
    const bar = document.querySelector("studio-time");
    if (!bar) return;
    if (event.key === " " && !event.target.closest("button, summary, a")) bar.toggle();
    else if (event.key === ".") bar.step({ updates: 1 });
    else if (event.key === ",") this.studio.session.ask("seek", { update: Math.max(0, this.state.at.update - 1) });
    else if (event.key === "e") bar.step({ epochs: 1 });
    else return;
    event.preventDefault();
  }
}

// A file that is dropped beside its place isn't opened in the page's stead.
const DROPPING = ["dragover", "drop"];
const stay = (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault();

customElements.define("studio-app", App);
customElements.define("studio-shell", Shell);

// Where a session in the browser is on its way, or what it lacks.
const partOf = (connection, { part, address }) => (connection === "loading" ? say(`loading-${part}`) : say(`unable-${part}`, { address }));
