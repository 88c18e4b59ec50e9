// The lessons' exercises to choose from, and the way to a task of a teacher's own.
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { say, told } from "./say.js";
import { lesson } from "./task.js";
import "./class.js";

class Exercises extends StudioElement {
  static watches = ["catalog", "assignment"];

  render() {
    const { catalog, assignment } = this.state;
    const bound = assignment?.bound;
    return html`<div class="row spread"><h2>${say("exercises")}</h2>
        <button data-do="for-a-class" ?disabled=${bound} @click=${() => this.querySelector("studio-class").open()}>${say("for-a-class")}</button></div>
      <p class="small soft">${say("exercises-how")}</p>
      <ol class="exercises">${(catalog?.exercises ?? []).map((one) => html`<li><div><b>${told(one.title)}</b><br />${lesson(one)}</div>
        <button data-exercise=${one.key} aria-pressed=${assignment?.key === one.key} ?disabled=${bound} aria-label=${`${say("begin")}: ${told(one.title)}`} @click=${() => this.#begin(one.key)}>${say("begin")}</button></li>`)}</ol>
      ${bound ? html`<p class="small soft">${say("task-of-class")}</p>` : nothing}
      <studio-class></studio-class>`;
  }

  #begin(key) {
    this.studio.beginTask({ key });
  }
}

customElements.define("studio-exercises", Exercises);
