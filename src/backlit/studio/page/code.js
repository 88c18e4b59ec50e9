// What is seen as Python, as command and as link, each copied by one click.
import { announce } from "./announce.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { say, told } from "./say.js";
import { shownSpec } from "./side.js";

class Code extends StudioElement {
  static watches = ["code", "spec", "at", "compare", "side", "assignment"];
  static properties = { copied: { state: true } };

  #asked = "";

  connectedCallback() {
    super.connectedCallback();
    this.#ask();
  }

  updated() {
    if (!this.state.at?.playing) this.#ask();
  }

  // As often as something else is seen.
  #ask() {
    const { at, compare, side, assignment } = this.state;
    const seen = JSON.stringify([shownSpec(this.state), at?.update, side, assignment]);
    if (seen === this.#asked) return;
    this.#asked = seen;
    this.studio.session.ask("code", compare ? { side } : {});
  }

  render() {
    const { code } = this.state;
    if (!code) return html`<h2>${say("code")}</h2><p class="soft">${say("waiting")}</p>`;
    const link = new URL(location.href);
    link.search = "";
    link.hash = code.link;
    return html`<h2>${say("code")}</h2><p class="small soft">${say("code-how")}</p>
      ${this.#block("python", code.python)}${this.#block("command", code.command)}${this.state.embedded ? nothing : this.#block("link", link.href)}
      ${code.notes.map((note) => html`<p class="small soft">${told(note)}</p>`)}`;
  }

  #block(name, text) {
    if (!text) return nothing;
    return html`<div class="code-block"><div class="row spread"><h3>${say(`code-${name}`)}</h3>
      <button data-copy=${name} @click=${() => this.#copy(name, text)}>${say(this.copied === name ? "copied" : "copy")}</button></div>
      <pre data-code=${name} tabindex="0" role="region" aria-label=${say(`code-${name}`)}>${text}</pre></div>`;
  }

  async #copy(name, text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers refuse at addresses that aren't secure: then it is marked, to be copied by hand.
      const range = document.createRange();
      range.selectNodeContents(this.querySelector(`[data-code="${name}"]`));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      announce(say("copy-by-hand"));
      return;
    }
    this.copied = name;
    announce(say("copied"));
    setTimeout(() => (this.copied = null), 2000);
  }
}

customElements.define("studio-code", Code);
