// What a network writes: by itself at this update and at earlier ones, and from a start that someone types.
import { StudioElement } from "./element.js";
import { html, nothing, repeat } from "./lit.js";
import { announce } from "./announce.js";
import { shown } from "./recurrent.js";
import { number, percent, say, whole } from "./say.js";

const REST = 80; // milliseconds between two pictures
const LENGTHS = [10, 40, 100, 300];
const TEMPERATURES = [0, 0.3, 0.5, 0.8, 1, 1.5, 2];

class TextView extends StudioElement {
  static watches = ["data", "said", "compare", "at"];
  static properties = { busy: { state: true } };

  #last = 0;

  render() {
    const { data, compare, frames } = this.state;
    if (!data?.text) return nothing; // on the way to other data
    const text = frames?.a?.text;
    return html`<h3>${say("writes-itself")}</h3>
      <p class="small soft">${say("writes-how", { letter: shown(data.text.text[0] ?? "") })}</p>
      ${this.#written(text?.now, compare ? say("this-network") : "", "a")}
      ${compare ? this.#written(text?.other?.now, say("other-network"), "b") : nothing}
      ${this.#log(text?.log ?? [])}
      ${this.#say()}`;
  }

  // Letters that aren't the text's own are underlined.
  #written(now, name, side) {
    const { data } = this.state;
    if (now === undefined) return nothing;
    if (now === null) return html`<p class="bad">${say("writes-nothing")}</p>`;
    const learned = [...data.text.text];
    const letters = [...now];
    const right = letters.filter((letter, index) => letter === learned[index]).length;
    return html`<figure class="written">${name ? html`<figcaption class="small">${name}</figcaption>` : nothing}
      <p class="writing" data-written=${side}>${letters.map((letter, index) => (letter === learned[index] ? letter : html`<u>${shown(letter)}</u>`))}</p>
      <figcaption class="small soft">${say("writes-right", { right, count: letters.length })}</figcaption></figure>`;
  }

  #log(log) {
    if (log.length < 2) return nothing;
    return html`<div class="log scroll" tabindex="0" role="region" aria-label=${say("writes-before")}><table><caption class="small">${say("writes-before")}</caption>
      <thead><tr><th scope="col">${say("update-column")}</th><th scope="col">${say("text-column")}</th></tr></thead>
      <tbody>${repeat([...log].reverse(), ([update]) => update, ([update, text]) => html`<tr><td class="n"><button class="plain" data-log=${update} aria-label=${say("at-update", { count: whole(update) })} @click=${() => this.studio.session.ask("seek", { update })}>${whole(update)}</button></td><td class="writing">${[...text].map(shown).join("")}</td></tr>`)}</tbody></table></div>`;
  }

  #say() {
    const { said, data } = this.state;
    return html`<form class="say" @submit=${(event) => this.#ask(event)}>
      <h3>${say("go-on")}</h3>
      <label class="field">${say("say-start")}<input type="text" name="start" data-do="say-start" required maxlength="1000" autocomplete="off" spellcheck="false" .defaultValue=${[...data.text.text].slice(0, 2).join("")} /></label>
      <div class="row"><label class="row inline">${say("say-length")} <select name="characters" data-do="say-length">${LENGTHS.map((count) => html`<option value=${count} ?selected=${count === 40}>${count}</option>`)}</select></label>
        <label class="row inline">${say("temperature")} <select name="temperature" data-do="temperature">${TEMPERATURES.map((heat) => html`<option value=${heat}>${heat ? number(heat) : say("greedy")}</option>`)}</select></label>
        <button data-do="say" ?disabled=${this.busy}>${say("write")}</button></div>
      ${said ? this.#said(said) : nothing}</form>`;
  }

  #said({ text, start, update, steps }) {
    const letters = [...text];
    const before = letters.slice(0, letters.length - steps.length).join("");
    return html`<p class="writing" data-said><b>${before}</b>${letters.slice(-steps.length).join("")}</p>
      <p class="small soft">${say("said-at", { update: whole(update) })}</p>
      <details><summary class="small">${say("said-chances")}</summary><div class="scroll chances" tabindex="0" role="region" aria-label=${say("said-chances")}><table><thead><tr><th scope="col">${say("letter")}</th><th scope="col">${say("chance")}</th><th scope="col">${say("likeliest")}</th></tr></thead>
        <tbody>${steps.map(({ letter, chance, likeliest }) => html`<tr><th scope="row" class="writing">${shown(letter)}</th><td class="n">${percent(chance)}</td><td class="n small">${likeliest.map(([one, share]) => `${shown(one)} ${percent(share, 0)}`).join("  ")}</td></tr>`)}</tbody></table></div></details>`;
  }

  async #ask(event) {
    event.preventDefault();
    const { start, characters, temperature } = event.target.elements;
    this.busy = true;
    const heat = Number(temperature.value);
    // Each time another draw, but one that can be told: the number of the update and of how often it was asked.
    this.asked = (this.asked ?? 0) + 1;
    const answer = await this.studio.session.ask("say", { start: start.value, characters: Number(characters.value), temperature: heat, seed: heat ? this.asked : 0, ...(this.state.side === "b" ? { side: "b" } : {}) });
    this.busy = false;
    if (answer) announce(answer.text);
  }

  frameArrived({ playing }) {
    const now = performance.now();
    if (playing && now - this.#last < REST) return;
    this.#last = now;
    this.requestUpdate();
  }
}

customElements.define("studio-text", TextView);
