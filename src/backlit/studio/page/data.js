// What is learned from: built-in sets, rows put down by hand, a file.
import { StudioElement } from "./element.js";
import { fitting } from "./recurrent.js";
import { html, live, nothing } from "./lit.js";
import { drawPoint } from "./drawing/points.js";
import { number, say, told, whole } from "./say.js";
import "./text-data.js";
import { part } from "./part.js";

class DataPanel extends StudioElement {
  static watches = ["catalog", "spec", "data", "drawing", "brush", "drawn", "uploaded", "limits", "assignment"];
  static properties = { over: { state: true } };

  get given() {
    return this.state.spec?.data ?? {};
  }

  render() {
    const { catalog, spec } = this.state;
    if (!catalog || !spec) return html`<h2>${say("data")}</h2><p class="soft">${say("waiting")}</p>`;
    return html`<h2>${say("data")}</h2>${part(this.state, "data", html`
      <div role="group" aria-label=${say("data-sets")}>
        <div class="sets">${catalog.data.filter(({ sample }) => sample).map((item) => this.#tile(item))}</div>
        <div class="sets named">${catalog.data.filter(({ sample, name, task }) => !sample && name !== "points" && task !== "text").map((item) => this.#tile(item))}</div></div>
      ${this.#hand()}
      <studio-text-data></studio-text-data>
      ${this.#numbers()}
      ${this.#file()}`)}`;
  }

  #tile(item) {
    const { name, title } = { title: item.title ?? item.name, name: item.name };
    const on = this.given.name === name;
    return html`<button class="set" data-set=${name} aria-pressed=${on} @click=${() => this.#choose(item)}>
      ${item.sample ? html`<canvas width="88" height="88" data-sample=${name} aria-hidden="true"></canvas>` : nothing}<span>${told(title)}</span></button>`;
  }

  updated() {
    for (const canvas of this.querySelectorAll("[data-sample]")) this.#sample(canvas);
  }

  #sample(canvas) {
    const item = this.state.catalog.data.find(({ name }) => name === canvas.dataset.sample);
    const pen = canvas.getContext("2d");
    const ring = getComputedStyle(this).getPropertyValue("--paper").trim();
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const [x, y, label] of item.sample ?? []) drawPoint(pen, 44 + 36 * x, 44 - 36 * y, 3.6, { label, kind: item.task, ring });
  }

  // Words for networks of pictures don't fit rows of other numbers.
  #learn(data, pictures = false) {
    const { spec, data: before, catalog } = this.state;
    const anew = spec.network.word && before?.picture && !pictures;
    return this.studio.session.configure(anew ? { data, network: catalog.state.network } : fitting(this.state, data, false));
  }

  #choose({ name, pictures }) {
    this.studio.store.set({ drawing: false, row: null });
    const { seed } = this.given;
    this.#learn({ name, ...(seed === undefined ? {} : { seed }) }, pictures);
  }

  #hand() {
    const { drawing, brush, drawn } = this.state;
    return html`<div class="hand">
      <button data-do="draw" aria-pressed=${drawing} @click=${() => this.#draw()}>✎ ${say("draw-points")}</button>
      ${drawing ? html`<p class="small soft">${say("draw-how")}</p>
        <div class="row"><div class="segments" role="group" aria-label=${say("brush")}>${[0, 1, 2].map((label) => html`<button data-brush=${label} aria-pressed=${brush === label}
          @click=${() => this.studio.store.set({ brush: label })}>${label}</button>`)}</div>
          <span class="small n">${say("drawn-count", { count: drawn.length })}</span></div>
        <div class="row"><button data-do="undo-point" ?disabled=${!drawn.length} @click=${() => this.#back(drawn.slice(0, -1))}>${say("undo")}</button>
          <button data-do="clear-points" ?disabled=${!drawn.length} @click=${() => this.#back([])}>${say("clear")}</button></div>
        ${this.#byKeys()}` : nothing}
    </div>`;
  }

  // One draws on an empty plane, or goes on with points that were drawn before.
  #draw() {
    const { drawing, spec, data } = this.state;
    if (drawing) return this.studio.store.set({ drawing: false });
    if (spec.data.name === "points") return this.studio.store.set({ drawing: true, drawn: spec.data.points, row: null });
    const none = { shape: [0, 2], values: new Float32Array(0) };
    const empty = { ...data, task: "classification", classes: null, columns: ["x1", "x2"], shown: { axes: [0, 1] }, range: [[-2, 2], [-2, 2]], rows: 0, arrays: { plane: none, y: none, held: none } };
    this.studio.store.set({ drawing: true, drawn: [], data: empty, row: null });
  }

  #back(drawn) {
    this.studio.store.set({ drawn });
    this.studio.sendDrawn();
  }

  // The same without a mouse: two numbers and a class.
  #byKeys() {
    return html`<form class="row by-keys" @submit=${(event) => this.#put(event)}>
      <label class="small">x₁ <input name="x" type="number" step="any" value="0" required /></label>
      <label class="small">x₂ <input name="y" type="number" step="any" value="0" required /></label>
      <button data-do="put-point">${say("put-point")}</button></form>`;
  }

  #put(event) {
    event.preventDefault();
    const { x, y } = event.target.elements;
    this.studio.addPoint(Number(x.value), Number(y.value), this.state.brush);
  }

  #numbers() {
    const { catalog } = this.state;
    const item = catalog.data.find(({ name }) => name === this.given.name);
    const fields = item?.rows ? ["rows", "noise", "seed"].filter((key) => key === "seed" || item[key]) : [];
    return html`<div class="fields">${fields.map((key) => this.#number(key, item))}</div>`;
  }

  #number(key, item) {
    const bounds = item[key];
    const value = this.given[key] ?? item.defaults?.[key] ?? 0;
    const set = (event) => this.studio.session.configure({ data: { ...this.given, [key]: Number(event.target.value) } });
    if (key === "seed") return html`<label class="field">${say("seed")}<input type="number" data-do="data-seed" min="0" step="1" .value=${live(String(value))} @change=${set} /></label>`;
    return html`<label class="field"><span>${say(`data-${key}`)}<output>${number(value)}</output></span>
      <input type="range" data-do=${`data-${key}`} aria-label=${say(`data-${key}`)} min=${bounds[0]} max=${bounds[1]} step=${bounds[2]} .value=${live(String(value))} @change=${set} /></label>`;
  }

  #file() {
    const { uploaded } = this.state;
    return html`<div class="drop ${this.over ? "over" : ""}" @dragover=${(event) => this.#hover(event, true)} @dragleave=${() => (this.over = false)} @drop=${(event) => this.#dropped(event)}>
        <label class="file"><span class="like-button">${say("own-file")}</span><input type="file" class="unseen" data-do="file" accept=".csv,.tsv,.json,.xlsx,.parquet,.txt,.md,.zip,.npz" @change=${(event) => this.#read(event.target.files[0])} /></label>
        <p class="small soft">${say("file-stays")}</p></div>
      ${!uploaded ? nothing : uploaded.columns.length && uploaded.columns.every(({ kind }) => kind === "class") ? this.#classes(uploaded) : this.#columns(uploaded)}`;
  }

  #hover(event, over) {
    event.preventDefault();
    this.over = over;
  }

  #dropped(event) {
    event.preventDefault();
    this.over = false;
    this.#read(event.dataTransfer.files[0]);
  }

  async #read(file) {
    if (!file) return;
    const { limits } = this.state;
    if (limits?.bytes && file.size > limits.bytes) return this.studio.session.tell(say("file-too-large", { name: file.name, size: whole(file.size / 1000), most: whole(limits.bytes / 1000) }), "error");
    const bytes = new Uint8Array(await file.arrayBuffer());
    const kind = /\.(txt|md)$/i.test(file.name) ? "text" : /\.(zip|npz)$/i.test(file.name) ? "pictures" : "table";
    const answer = await this.studio.session.ask("upload", { name: file.name, kind }, { file: bytes });
    if (answer?.type !== "uploaded") return;
    if (kind === "text") this.#useText(answer);
    else if (kind === "pictures") this.#usePictures(answer);
    else this.#use(answer, answer.columns.filter(({ input }) => input).map(({ name }) => name), answer.target);
  }

  #use({ file }, inputs, target) {
    this.studio.store.set({ row: null, drawing: false });
    this.#learn({ name: "file", file, inputs, target });
  }

  #useText({ file }) {
    this.studio.store.set({ row: null, drawing: false, uploaded: null, step: null, said: null });
    this.studio.session.configure(fitting(this.state, { name: "file", file }, true));
  }

  #usePictures({ file }) {
    this.studio.store.set({ row: null, drawing: false, tab: "pictures" });
    this.#learn({ name: "file", file }, true);
  }

  #classes({ rows, columns, notes }) {
    return html`<div class="classes-told"><p class="small">${say("file-pictures", { rows: whole(rows), count: columns.length })}</p>
      ${(notes ?? []).map((note) => html`<p class="small soft">${told(note)}</p>`)}
      <ul class="small">${columns.map(({ name, note }) => html`<li><b>${name}</b> <span class="soft">${told(note)}</span></li>`)}</ul></div>`;
  }

  #columns({ file, rows, columns, target }) {
    const inputs = this.given.file === file && this.given.inputs ? this.given.inputs : columns.filter(({ input }) => input).map(({ name }) => name);
    const chosen = (this.given.file === file && this.given.target) || target;
    const use = (next, to) => this.#use({ file }, next, to);
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("columns")}><table class="columns-table">
      <caption class="small">${say("file-rows", { rows: whole(rows), count: columns.length })}</caption>
      <thead><tr><th scope="col">${say("column")}</th><th scope="col">${say("kind")}</th><th scope="col">${say("input")}</th><th scope="col">${say("target")}</th></tr></thead>
      <tbody>${columns.map(({ name, kind, note }) => html`<tr><th scope="row">${name}</th><td>${kind}${note ? html`<br /><span class="small soft">${told(note)}</span>` : nothing}</td>
        <td><input type="checkbox" aria-label=${say("input-of", { name })} .checked=${live(inputs.includes(name))} ?disabled=${name === chosen}
          @change=${(event) => use(event.target.checked ? [...inputs, name] : inputs.filter((one) => one !== name), chosen)} /></td>
        <td><input type="radio" name="target" aria-label=${say("target-of", { name })} .checked=${live(name === chosen)} @change=${() => use(inputs.filter((one) => one !== name), name)} /></td></tr>`)}</tbody></table></div>`;
  }
}

customElements.define("studio-data", DataPanel);
