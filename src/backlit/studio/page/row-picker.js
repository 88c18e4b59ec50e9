// The row that is looked at: chosen on the plane, or by number.
import { StudioElement } from "./element.js";
import { html, live, nothing } from "./lit.js";
import { shown, windowOf } from "./recurrent.js";
import { number, say } from "./say.js";

class RowPicker extends StudioElement {
  static watches = ["row", "data", "explained"];

  render() {
    const { row, data } = this.state;
    if (!data?.rows) return nothing;
    return html`<div class="row row-picker small">
      <label class="row inline">${say("row")} <input type="number" data-do="row" min="0" max=${data.rows - 1} .value=${live(row === null ? "" : String(row))} placeholder="–"
        @change=${(event) => this.studio.chooseRow(event.target.value === "" ? null : Math.max(0, Math.min(data.rows - 1, Math.round(Number(event.target.value)))))} /></label>
      <span class="n">${row === null ? html`<span class="soft">${say(data.task === "text" ? "choose-row-number" : "choose-row")}</span>` : this.#told(row, data)}</span>
      ${row === null ? nothing : html`<button class="plain" data-do="no-row" aria-label=${say("no-row")} @click=${() => this.studio.chooseRow(null)}>✕</button>`}
    </div>`;
  }

  #told(row, data) {
    if (data.task === "text") return [...windowOf(data, row)].map(shown).join("");
    const { plane, y } = data.arrays;
    const place = plane ? `(${number(plane.values[2 * row], 3)}, ${number(plane.values[2 * row + 1], 3)})` : "";
    const target = data.task === "classification" ? (data.classes?.[y.values[row]] ?? y.values[row]) : number(y.values[row], 3);
    return `${place} → ${target}`;
  }
}

customElements.define("studio-row", RowPicker);
