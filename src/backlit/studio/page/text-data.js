// A text to learn from: "hello" as in the notes, or one's own.
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { fitting, isText } from "./recurrent.js";
import { say, told } from "./say.js";

class TextData extends StudioElement {
  static watches = ["catalog", "spec", "data", "limits"];
  static properties = { writing: { state: true } };

  get sets() {
    return this.state.catalog?.data.filter(({ task }) => task === "text") ?? [];
  }

  render() {
    const { spec, data } = this.state;
    if (!this.sets.length) return nothing;
    const own = this.writing ?? spec.data.name === "text";
    return html`<div class="text-data"><h3>${say("texts")}</h3>
      <div class="sets named" role="group" aria-label=${say("texts")}>${this.sets.map(({ name, title }) => html`<button class="set" data-set=${name}
        aria-pressed=${name === "text" ? own : spec.data.name === name && !own} @click=${() => this.#choose(name)}>${told(title)}</button>`)}</div>
      ${own ? this.#form(spec) : nothing}
      ${isText({ data }) ? this.#how(spec, data) : nothing}</div>`;
  }

  #choose(name) {
    this.writing = name === "text";
    if (name !== "text") this.#use({ name });
    else this.updateComplete.then(() => this.querySelector("textarea")?.focus());
  }

  #form(spec) {
    const most = this.state.limits?.typed ?? 2000;
    return html`<form @submit=${(event) => this.#send(event)}>
      <label class="field">${say("own-text")}<textarea name="text" data-do="own-text" rows="4" maxlength=${most} required .value=${spec.data.text ?? ""}></textarea></label>
      <div class="row"><button data-do="learn-text">${say("learn-text")}</button><span class="small soft">${say("text-most", { most })}</span></div></form>`;
  }

  #send(event) {
    event.preventDefault();
    this.#use({ name: "text", text: event.target.elements.text.value });
  }

  #how(spec, data) {
    const { steps } = this.sets[0];
    return html`<label class="field">${say("window")}<input type="number" data-do="window" min=${steps[0]} max=${steps[1]} step="1" .value=${String(data.text.steps)}
        @change=${(event) => this.#use({ ...spec.data, steps: Math.max(steps[0], Math.min(steps[1], Math.round(Number(event.target.value)) || 1)) })} /></label>
      <p class="small soft" data-told="text-note">${told(data.shown?.note)}</p>`;
  }

  async #use(next) {
    this.studio.store.set({ drawing: false, row: null, step: null, said: null });
    const answer = await this.studio.session.configure(fitting(this.state, next, true));
    if (answer) this.writing = undefined;
  }
}

customElements.define("studio-text-data", TextData);
