// What stands under the network: numbers, the inside, the doctor, code; one at a time, as tabs.
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { say } from "./say.js";
import "./numbers.js";
import "./pull.js";
import "./inside.js";
import "./doctor.js";
import "./code.js";
import "./exercises.js";
import "./pictures.js";
import "./unrolled.js";
import "./gates.js";
import { isText } from "./recurrent.js";
import { ofShown } from "./side.js";

const TABS = ["numbers", "pictures", "unrolled", "gates", "inside", "doctor", "code", "exercises"];
const ONLY_WHERE = { pictures: ({ data }) => Boolean(data?.picture), unrolled: isText, gates: isText };
const ALWAYS = ["boundary", "units", "weights", "curves", "doctor"];
const OF_TAB = { inside: ["histograms", "flow", "ratios"], unrolled: ["flow"] };

class Below extends StudioElement {
  static watches = ["tab", "spotted", "findings", "planted", "data", "compare", "side"];

  get tabs() {
    return TABS.filter((name) => ONLY_WHERE[name]?.(this.state) ?? true);
  }

  get tab() {
    return this.tabs.includes(this.state.tab) ? this.state.tab : TABS[0];
  }

  render() {
    const { spotted } = this.state;
    const { tab } = this;
    return html`<div class="tabs" role="tablist" aria-label=${say("look-closer")} @keydown=${(event) => this.#key(event)}>
        ${this.tabs.map((name) => html`<button role="tab" id=${`tab-${name}`} data-tab=${name} aria-selected=${tab === name} aria-controls="below" tabindex=${tab === name ? 0 : -1}
          @click=${() => this.#open(name)}>${say(`tab-${name}`)}${name === "doctor" && spotted.length ? html` <span class="count" aria-label=${say("findings-count", { count: spotted.length })}>${spotted.length}</span>` : nothing}</button>`)}
      </div>
      <section class="panel below" id="below" role="tabpanel" aria-labelledby=${`tab-${tab}`} tabindex="0">${this.#panel(tab)}</section>`;
  }

  #panel(tab) {
    if (tab === "inside") return html`<studio-inside></studio-inside>`;
    if (tab === "unrolled") return html`<studio-unrolled></studio-unrolled>`;
    if (tab === "gates") return html`<studio-gates></studio-gates>`;
    if (tab === "doctor") return html`<studio-doctor></studio-doctor>`;
    if (tab === "pictures") return html`<studio-pictures></studio-pictures>`;
    if (tab === "code") return html`<studio-code></studio-code>`;
    if (tab === "exercises") return html`<studio-exercises></studio-exercises>`;
    return html`<div class="numbers-columns"><studio-numbers></studio-numbers><studio-pull></studio-pull></div>`;
  }

  #open(name) {
    this.studio.store.set({ tab: name });
    this.#look(name);
  }

  #look(name) {
    this.lookedAt = isText(this.state);
    this.lookedSide = ofShown(this.state).side;
    this.studio.look([...ALWAYS, ...(OF_TAB[name] ?? []), ...(this.lookedAt ? ["text", "reading"] : [])]);
  }

  updated() {
    if (!this.state.data) return;
    if ((this.lookedAt ?? false) !== isText(this.state) || this.lookedSide !== ofShown(this.state).side) this.#look(this.tab);
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { tabs } = this;
    const name = tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length];
    this.#open(name);
    this.updateComplete.then(() => this.querySelector(`[data-tab="${name}"]`)?.focus());
  }
}

customElements.define("studio-below", Below);
