// What a task keeps is greyed out, with the reason: controls of a part of the state, within `part(state, "rate", html)`.
import { html, nothing } from "./lit.js";
import { say } from "./say.js";

export const mayChange = ({ assignment }, ...names) => !assignment?.may || names.some((name) => assignment.may.includes(name));

export function part(state, name, content) {
  const kept = !mayChange(state, name);
  return html`<fieldset class="part" data-part=${name} role=${kept ? "group" : "none"} ?disabled=${kept} aria-label=${kept ? say("task-keeps") : nothing}>
    <span class="part-box" title=${kept ? say("task-keeps") : nothing}>${content}</span></fieldset>`;
}
