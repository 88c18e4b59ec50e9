// The task that someone is at: what is to be reached, how it stands, a hint, the solution.
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { say, told } from "./say.js";

class Task extends StudioElement {
  static watches = ["assignment", "checked", "helped", "at", "layers", "data", "connection", "planted"];

  #asked = "";

  updated() {
    this.#check();
  }

  // Whenever it comes to rest somewhere else.
  async #check() {
    const { assignment, at, connection, planted } = this.state;
    if (!assignment || !at || at.playing || planted || connection !== "open") return;
    const seen = JSON.stringify([at.update, this.state.spec, assignment.key, assignment.goals]);
    if (this.checking || seen === this.#asked) return;
    this.checking = true;
    this.#asked = seen;
    await this.studio.session.ask("check");
    this.checking = false;
    this.requestUpdate();
  }

  render() {
    const { assignment } = this.state;
    if (!assignment) return nothing;
    const { title, text, goals, may_words, bounds, bound, solved, hint, key } = assignment;
    const { checked, helped } = this.state;
    return html`<section class="panel task ${solved ? "solved" : ""}" aria-label=${say("task")}>
      <div class="row spread"><h2 tabindex="-1">${solved ? "✓ " : ""}${told(title) || say("task")}</h2>
        ${bound ? nothing : html`<button class="plain" data-do="leave-task" @click=${() => this.#leave()}>${say("leave-task")}</button>`}</div>
      ${told(text) ? html`<p class="task-text">${told(text)}</p>` : nothing}
      <div class="task-parts"><ul class="goals" aria-label=${say("goals")}>${goals.map((goal, index) => this.#goal(goal, checked?.parts?.[index]))}</ul>
        <p class="small soft">${say("may-change")} <span data-told="may">${told(may_words)}</span>${bounds.map((one) => html` · ${told(one)}`)}</p></div>
      <div class="row">
        ${hint ? html`<button data-do="hint" aria-expanded=${Boolean(helped.hint)} @click=${() => this.#help("hint")}>${say("hint")}</button>` : nothing}
        ${key ? html`<button data-do="solution" aria-expanded=${Boolean(helped.solution)} @click=${() => this.#help("solution")}>${say("solution")}</button>` : nothing}
        <button data-do="restart-task" @click=${() => this.#restart()}>${say("restart-task")}</button>
        ${key ? this.#lesson(key) : nothing}</div>
      <div role="status" data-told="verdict" class="verdict ${checked?.met ? "well" : ""}">${checked ? told(checked.what) : ""}</div>
      ${helped.hint ? html`<p class="help"><b>${say("hint")}:</b> ${told(helped.hint.what)}</p>` : nothing}
      ${helped.solution ? html`<div class="help"><p><b>${say("solution")}:</b> ${told(helped.solution.what)}</p>
        <button data-do="see-solution" @click=${() => this.studio.session.configure(helped.solution.state)}>${say("see-solution")}</button></div>` : nothing}
    </section>`;
  }

  #goal(goal, part) {
    const met = part?.met ?? false;
    return html`<li class=${met ? "met" : ""}><span aria-hidden="true">${met ? "✓" : "○"}</span> ${told(goal)}
      ${part ? html`<span class="soft">${say("now")} <b class="n" data-told="goal-now">${part.value}</b></span>` : nothing}<span class="unseen">${say(met ? "met" : "not-met")}</span></li>`;
  }

  #lesson(key) {
    const exercise = this.state.catalog?.exercises?.find((one) => one.key === key);
    return exercise ? lesson(exercise) : nothing;
  }

  async #help(of) {
    const { helped } = this.state;
    if (helped[of]) return this.studio.store.set({ helped: { ...helped, [of]: null } });
    await this.studio.session.ask("help", { of });
  }

  // The session knows where it began, whatever was changed since.
  #restart() {
    this.studio.store.set({ checked: null, helped: {}, row: null, drawing: false, side: "a" });
    return this.studio.session.ask("assign", { again: true });
  }

  #leave() {
    this.studio.store.set({ checked: null, helped: {} });
    this.studio.session.ask("assign");
  }
}

// The way back to the lesson: on the documentation's site a link; elsewhere the command that opens it.
export function lesson({ number, lesson: name }) {
  const site = globalThis.backlitStudio?.lessons;
  const text = say("lesson-of", { number });
  return site ? html`<a href=${`${site}${name}/`}>${text}</a>` : html`<span class="small soft">${text}: <code>backlit lesson ${name}</code></span>`;
}

customElements.define("studio-task", Task);
