// Pictures: one is drawn or chosen, and seen layer by layer; which are taken for others.
import "./drawpad.js";
import "./filters.js";
import { paintPicture } from "./drawing/tiles.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { percent, say, whole } from "./say.js";

const REST = 120; // milliseconds from one answer to the next question, while it plays
const SELDOM = 1000; // the same for what is wrongly classified
const PAGE = 18; // pictures to choose from at once

class Pictures extends StudioElement {
  static watches = ["data", "layers", "row", "side", "drawnPicture", "catalog"];
  static properties = { page: { state: true } };

  #asking = {};

  constructor() {
    super();
    this.page = 0;
  }

  render() {
    const { data, layers, catalog } = this.state;
    if (!data?.picture) return nothing;
    const folded = layers?.some(({ kind }) => kind === "Conv2d");
    const word = catalog?.words.find(({ pictures }) => pictures)?.name;
    return html`${folded || !word ? nothing : html`<p class="row">${say("pixels-in-a-row")} <button data-do="use-convolutions" @click=${() => this.studio.session.configure({ network: { word } })}>${say("use-convolutions")}</button></p>`}
      <div class="pictures">
        <div><studio-drawpad></studio-drawpad>${this.#choice(data)}</div>
        <studio-filters></studio-filters>
        <studio-mistakes></studio-mistakes>
      </div>`;
  }

  #choice({ arrays, rows, classes }) {
    const count = arrays.pictures?.shape[0] ?? 0;
    const { row, drawnPicture } = this.state;
    const first = (this.page * PAGE) % Math.max(count, 1);
    const shown = Array.from({ length: Math.min(PAGE, count - first) }, (_, index) => first + index);
    return html`<h3>${say("pictures-of-data")}</h3>
      <div class="thumbs" role="group" aria-label=${say("pictures-of-data")}>${shown.map((one) => html`<button class="thumb" data-picture=${one} aria-pressed=${!drawnPicture && row === one}
        aria-label=${say("picture-named", { number: one, name: classes[arrays.y.values[one]] })} @click=${() => this.#take(one)}><canvas data-thumb=${one} class="pixels" aria-hidden="true"></canvas></button>`)}</div>
      ${count > PAGE ? html`<button class="plain" data-do="more-pictures" @click=${() => (this.page += 1)}>${say("other-pictures")}</button>` : nothing}
      <p class="small soft">${say("rows-in-all", { count: whole(rows) })}</p>`;
  }

  #take(row) {
    this.studio.store.set({ drawnPicture: null });
    this.studio.chooseRow(row);
  }

  updated() {
    const { data } = this.state;
    const { pictures } = data?.arrays ?? {};
    if (pictures) {
      const size = pictures.values.length / Math.max(pictures.shape[0], 1);
      for (const canvas of this.querySelectorAll("[data-thumb]")) paintPicture(canvas, pictures.values, data.picture, 255, Number(canvas.dataset.thumb) * size);
    }
    this.#ask("picture", REST);
    this.#ask("mistakes", SELDOM);
  }

  frameArrived() {
    this.#ask("picture", REST);
    this.#ask("mistakes", SELDOM);
  }

  // One question at a time; what changed meanwhile is asked about afterwards.
  async #ask(what, rest) {
    if (!this.state.data?.picture) return;
    if (this.#asking[what]) return (this.#asking[what] = "again");
    this.#asking[what] = "once";
    await this.studio.session.ask(what, ...this.#parts(what), true);
    if (this.state.at?.playing) await new Promise((resolve) => setTimeout(resolve, rest));
    const again = this.#asking[what] === "again" && this.isConnected;
    this.#asking[what] = null;
    if (again) this.#ask(what, rest);
  }

  #parts(what) {
    const { row, side, drawnPicture, data, compare } = this.state;
    const of = side === "b" && compare ? { side } : {};
    if (what === "mistakes") return [of, undefined];
    return drawnPicture ? [of, { pixels: { values: drawnPicture, shape: data.picture } }] : [{ ...of, row: row ?? 0 }, undefined];
  }
}

customElements.define("studio-pictures", Pictures);

// Pictures that are taken for another class, and how often each class is taken for which.
class Mistakes extends StudioElement {
  static watches = ["mistaken", "data"];

  render() {
    const { mistaken, data } = this.state;
    if (!mistaken || !data?.picture || !data.classes || mistaken.truth.some((one) => one >= data.classes.length)) return nothing;
    const { judged, held, wrong, rows } = mistaken;
    return html`<section class="mistakes"><h2>${say("wrongly-classified")}</h2>
      <p class="small" data-told="mistakes">${say(held ? "wrong-of-held" : "wrong-of-all", { wrong: whole(wrong), count: whole(judged) })}</p>
      <div class="thumbs">${rows.map((row, index) => this.#one(row, index))}</div>
      <details><summary>${say("taken-for-which")}</summary>${this.#table()}</details></section>`;
  }

  #one(row, index) {
    const { mistaken, data } = this.state;
    const [truth, taken] = [mistaken.truth, mistaken.taken].map((list) => data.classes[list[index]]);
    const sure = mistaken.sure?.[index] ?? null;
    return html`<button class="thumb told" data-mistake=${row} title=${say("taken-for", { truth, taken })} @click=${() => this.#take(row)}>
      <canvas data-wrong=${index} class="pixels" aria-hidden="true"></canvas><span class="small">${truth} → <b>${taken}</b>${sure === null ? "" : ` ${percent(sure, 0)}`}</span></button>`;
  }

  #take(row) {
    this.studio.store.set({ drawnPicture: null });
    this.studio.chooseRow(row);
  }

  #table() {
    const { mistaken, data } = this.state;
    const { shape: [count], values } = mistaken.arrays.confusion;
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("taken-for-which")}><table class="confusion">
      <thead><tr><th scope="col">${say("class-and-taken")}</th>${data.classes.map((name) => html`<th scope="col" class="n">${name}</th>`)}</tr></thead>
      <tbody>${data.classes.map((name, row) => html`<tr><th scope="row">${name}</th>${data.classes.map((_, column) => {
        const times = values[row * count + column];
        return html`<td class="n ${row === column ? "good" : times ? "bad" : "soft"}">${times}</td>`;
      })}</tr>`)}</tbody></table></div>`;
  }

  updated() {
    const { mistaken, data } = this.state;
    const pictures = mistaken?.arrays.pictures;
    if (!pictures || !data?.picture) return;
    const size = data.picture.reduce((product, side) => product * side, 1);
    for (const canvas of this.querySelectorAll("[data-wrong]")) paintPicture(canvas, pictures.values, data.picture, 255, Number(canvas.dataset.wrong) * size);
  }
}

customElements.define("studio-mistakes", Mistakes);
