// Pull an input, and watch the change flow forward: sliders for the inputs, the value of each layer beside them.
import { StudioElement } from "./element.js";
import { html, live, nothing } from "./lit.js";
import { number, percent, say } from "./say.js";

const MOST = 6; // inputs that have a slider

class Pull extends StudioElement {
  static watches = ["data", "row", "pulled", "at", "layers"];
  static properties = { values: { state: true } };

  #busy = false;
  #again = false;

  constructor() {
    super();
    this.values = null;
  }

  render() {
    const { data, layers, pulled } = this.state;
    if (!data?.shown?.axes || data.shown.projected || !layers) return nothing;
    const names = data.columns.slice(0, MOST);
    const values = this.values ?? this.#start();
    return html`<div class="pull"><h3>${say("pull")}</h3><p class="small soft">${say("pull-how")}</p>
      ${names.map((name, index) => this.#slider(name, index, values))}
      ${this.values && pulled ? this.#flow(pulled) : nothing}
      ${this.values ? html`<button class="plain" data-do="let-go" @click=${() => this.#letGo()}>${say("let-go")}</button>` : nothing}</div>`;
  }

  #start() {
    const { data, row } = this.state;
    const plane = data.arrays?.plane;
    if (row === null || !plane || data.columns.length !== 2) return data.columns.map((_, index) => (data.range[index][0] + data.range[index][1]) / 2);
    return [plane.values[2 * row], plane.values[2 * row + 1]];
  }

  #slider(name, index, values) {
    const axis = this.state.data.shown.axes.indexOf(index);
    const [low, high] = this.state.data.range[axis < 0 ? 0 : axis];
    return html`<label class="field"><span>${name}<output>${number(values[index], 3)}</output></span>
      <input type="range" data-do=${`pull-${index}`} aria-label=${name} min=${low} max=${high} step=${(high - low) / 200} .value=${live(String(values[index]))} @input=${(event) => this.#move(index, Number(event.target.value), values)} /></label>`;
  }

  #move(index, value, values) {
    this.values = values.map((old, at) => (at === index ? value : old));
    this.#ask();
  }

  // Of quick movements only the last is asked for.
  async #ask() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const { row, side } = this.state;
    await this.studio.session.ask("pull", { inputs: this.values, ...(row === null ? {} : { row }), ...(side === "b" ? { side } : {}) });
    this.#busy = false;
    if (this.#again) {
      this.#again = false;
      this.#ask();
    }
  }

  #flow({ layers, output }) {
    const shown = layers.slice(1);
    return html`<table class="flow"><caption class="unseen">${say("pull-flow")}</caption><tbody>${shown.map(({ values }, index) => html`<tr><th scope="row" class="small">${index === shown.length - 1 ? say("output") : say("layer-number", { number: index + 1 })}</th>
      <td class="n small">${values.slice(0, 8).map((value) => number(value, 3)).join("  ")}${values.length > 8 ? " …" : ""}</td></tr>`)}</tbody></table>
      ${output?.class !== undefined && output.class !== null ? html`<p><b>${say("called", { name: output.class })}</b>${output.probabilities ? html` <span class="soft n">${percent(Math.max(...output.probabilities))}</span>` : nothing}</p>` : nothing}`;
  }

  #letGo() {
    this.values = null;
    this.studio.store.set({ pulled: null });
  }
}

customElements.define("studio-pull", Pull);
