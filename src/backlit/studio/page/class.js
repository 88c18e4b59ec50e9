// "For a class": what is seen now as the beginning of a task, with goals and limits; out come a link and a command.
import { StudioElement } from "./element.js";
import { html, live, nothing } from "./lit.js";
import { say, told } from "./say.js";
import { announce } from "./announce.js";

const MOST_GOALS = 6;
const BOUNDS = ["units", "layers", "weights", "updates"];

class ForAClass extends StudioElement {
  static watches = ["catalog", "shared", "spec"];
  static properties = { goals: { state: true }, may: { state: true }, copied: { state: true } };

  constructor() {
    super();
    this.goals = [{ of: "held accuracy", side: "least", number: "95" }];
    this.may = null; // everything
  }

  open() {
    this.studio.store.set({ shared: null });
    this.querySelector("dialog").showModal();
  }

  render() {
    const { catalog, shared } = this.state;
    if (!catalog?.quantities) return nothing;
    return html`<dialog class="class-dialog" aria-labelledby="class-title"><form method="dialog" @submit=${(event) => this.#share(event)}>
      <div class="row spread"><h2 id="class-title">${say("for-a-class")}</h2><button type="button" class="plain" data-do="close-class" aria-label=${say("close")} @click=${() => this.querySelector("dialog").close()}>✕</button></div>
      <p class="small soft">${say("class-how")}</p>
      <label class="field">${say("task-title")}<input name="title" type="text" maxlength="100" data-do="task-title" /></label>
      <label class="field">${say("task-text")}<textarea name="text" rows="3" maxlength="2000" data-do="task-text"></textarea></label>
      <label class="field">${say("task-hint")}<input name="hint" type="text" maxlength="500" data-do="task-hint" /></label>
      <fieldset><legend>${say("goals")}</legend>${this.goals.map((goal, index) => this.#goal(goal, index))}
        <button type="button" data-do="add-goal" ?disabled=${this.goals.length >= MOST_GOALS} @click=${() => (this.goals = [...this.goals, { of: "weights", side: "most", number: "20" }])}>${say("add-goal")}</button></fieldset>
      <fieldset><legend>${say("may-change")}</legend><div class="choices">${catalog.parts.map(({ name, title }) => html`<label class="choice"><input type="checkbox" name="may" value=${name} data-may=${name}
          .checked=${live(this.may === null || this.may.includes(name))} @change=${(event) => this.#allow(name, event.target.checked)} />${told(title)}</label>`)}</div></fieldset>
      <fieldset><legend>${say("at-most")}</legend><div class="fields">${BOUNDS.map((name) => html`<label class="field">${told(catalog.quantities.find((one) => one.name === name).title)}
        <input type="number" name=${`most_${name}`} min="0" step="1" data-do=${`most-${name}`} /></label>`)}
        <label class="field">${say("pupils")}<input type="number" name="pupils" min="1" max="200" value="30" data-do="pupils" /></label></div></fieldset>
      <button class="main" data-do="make-link">${say("make-link")}</button>
      ${shared ? this.#made(shared) : nothing}</form></dialog>`;
  }

  #goal({ of, side, number }, index) {
    const { quantities } = this.state.catalog;
    const share = quantities.find(({ name }) => name === of)?.share;
    const set = (change) => (this.goals = this.goals.map((goal, at) => (at === index ? { ...goal, ...change } : goal)));
    return html`<div class="row goal-row">
      <select data-goal=${index} aria-label=${say("goal-of", { number: index + 1 })} @change=${(event) => set({ of: event.target.value })}>${quantities.map(({ name, title }) => html`<option value=${name} ?selected=${name === of}>${told(title)}</option>`)}</select>
      <select data-goal-side=${index} aria-label=${say("goal-side", { number: index + 1 })} @change=${(event) => set({ side: event.target.value })}>${["least", "most"].map((name) => html`<option value=${name} ?selected=${name === side}>${name === "least" ? "≥" : "≤"}</option>`)}</select>
      <input type="number" step="any" required data-goal-number=${index} aria-label=${say("goal-number", { number: index + 1 })} .value=${live(number)} @change=${(event) => set({ number: event.target.value })} />${share ? " %" : nothing}
      <button type="button" class="plain" aria-label=${say("remove-goal", { number: index + 1 })} ?disabled=${this.goals.length < 2} @click=${() => (this.goals = this.goals.filter((_, at) => at !== index))}>✕</button></div>`;
  }

  #allow(name, on) {
    const all = this.state.catalog.parts.map((part) => part.name);
    const may = this.may ?? all;
    this.may = on ? [...may, name] : may.filter((one) => one !== name);
  }

  async #share(event) {
    event.preventDefault();
    const { elements } = event.target;
    const { quantities } = this.state.catalog;
    const task = { goals: this.goals.map(({ of, side, number }) => ({ of, [side]: quantities.find(({ name }) => name === of).share ? Number(number) / 100 : Number(number) })) };
    for (const name of ["title", "text", "hint"]) if (elements[name].value.trim()) task[name] = elements[name].value.trim();
    for (const name of BOUNDS) if (elements[`most_${name}`].value !== "") task[`most_${name}`] = Number(elements[`most_${name}`].value);
    if (this.may !== null) task.may = this.may;
    const answer = await this.studio.session.ask("share", { task, pupils: Number(elements.pupils.value) || 30 });
    if (answer) announce(say("link-made"));
  }

  #made({ link, command }) {
    const address = new URL(location.href); // in a notebook there is none that anybody else could open
    address.search = "";
    address.hash = link;
    return html`<div class="made" data-told="made">${this.state.embedded ? nothing : this.#block("link", say("task-link"), address.href)}${this.#block("command", say("class-command"), command)}
      ${this.state.embedded ? nothing : html`<p class="small soft">${say("class-where")}</p>`}</div>`;
  }

  #block(name, title, text) {
    return html`<div class="code-block"><div class="row spread"><h3>${title}</h3><button type="button" data-copy-task=${name} @click=${() => this.#copy(name, text)}>${say(this.copied === name ? "copied" : "copy")}</button></div>
      <pre data-made=${name} tabindex="0" role="region" aria-label=${title}>${text}</pre></div>`;
  }

  async #copy(name, text) {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = name;
      announce(say("copied"));
      setTimeout(() => (this.copied = null), 2000);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(this.querySelector(`[data-made="${name}"]`));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      announce(say("copy-by-hand"));
    }
  }
}

customElements.define("studio-class", ForAClass);
