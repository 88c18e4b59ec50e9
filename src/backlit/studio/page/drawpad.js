// A picture drawn by mouse, finger or keyboard, brought to the size of the data's pictures, and classified at once.
import { announce } from "./announce.js";
import { paintPicture } from "./drawing/tiles.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { percent, say } from "./say.js";

const FINE = 16; // places along a pixel of the data at which is drawn
const SPOKEN = 600; // milliseconds after a stroke until the class is said

class DrawPad extends StudioElement {
  static watches = ["data", "pictured", "drawnPicture", "row"];
  static properties = { fitted: { state: true }, cell: { state: true } };

  #ink = document.createElement("canvas"); // white on black, finer than the picture
  #last = null;

  constructor() {
    super();
    this.fitted = true;
    this.cell = null;
  }

  render() {
    const { data, drawnPicture } = this.state;
    if (!data?.picture) return nothing;
    return html`<h2>${say("draw-a-picture")}</h2>
      <p class="small soft" id="pad-how">${say("pad-how")}</p>
      <canvas class="pad" data-pad tabindex="0" role="application" aria-label=${say("pad")} aria-describedby="pad-how"
        @pointerdown=${(event) => this.#begin(event)} @pointermove=${(event) => this.#move(event)} @pointerup=${() => this.#end()} @pointercancel=${() => this.#end()}
        @keydown=${(event) => this.#key(event)} @blur=${() => (this.cell = null)}></canvas>
      <div class="row"><button data-do="clear-pad" ?disabled=${!drawnPicture} @click=${() => this.#clear()}>${say("clear")}</button>
        <label class="inline"><input type="checkbox" data-do="pad-fit" .checked=${this.fitted} @change=${(event) => this.#fit(event.target.checked)} />${say("pad-fit")}</label></div>
      ${this.#result()}`;
  }

  #result() {
    const { pictured, data } = this.state;
    if (!pictured || pictured.class === null || !data.classes || pictured.class >= data.classes.length) return nothing;
    const { probabilities, truth } = pictured;
    const shown = (data.classes ?? []).map((name, index) => ({ name, index, share: probabilities?.[index] ?? null }));
    return html`<div class="classified">
      <p>${say("classified-as")} <b data-told="class">${data.classes[pictured.class]}</b>${truth === null || truth === undefined ? nothing : html` <span class="soft small">${say("truly", { name: data.classes[truth] })}</span>`}</p>
      <table class="probabilities"><caption class="unseen">${say("probabilities")}</caption><tbody>${shown.map(({ name, index, share }) => html`<tr class=${index === pictured.class ? "best" : ""}><th scope="row">${name}</th>
        <td><svg width="120" height="10" aria-hidden="true"><rect class="share" width=${120 * (share ?? 0)} height="10"></rect></svg></td><td class="n" data-probability=${index}>${share === null ? "–" : percent(share)}</td></tr>`)}</tbody></table></div>`;
  }

  willUpdate() {
    const { data, drawnPicture } = this.state;
    const size = data?.picture?.join(" ");
    if (!size || this.size === size) return;
    this.size = size;
    const { pad } = this.studio.store.state;
    if (pad?.size === size) {
      this.#ink = pad.ink; // the pad was laid aside, and what is drawn is still there
      this.fitted = pad.fitted;
      return;
    }
    this.#keep();
    [this.#ink.height, this.#ink.width] = data.picture.slice(0, 2).map((side) => side * FINE);
    this.#blank();
    if (drawnPicture) this.studio.store.set({ drawnPicture: null });
  }

  updated() {
    const canvas = this.querySelector("[data-pad]");
    if (!canvas) return;
    if (canvas.width !== this.#ink.width || canvas.height !== this.#ink.height) [canvas.width, canvas.height] = [this.#ink.width, this.#ink.height];
    canvas.style.aspectRatio = `${this.#ink.width} / ${this.#ink.height}`;
    if (!this.state.drawnPicture && !this.drawing) this.#blank();
    this.#show(canvas);
  }

  // What is drawn, as pixels of the data on a light ground; the place of the keyboard around a pixel.
  #show(canvas) {
    const pen = canvas.getContext("2d");
    pen.drawImage(this.#ink, 0, 0);
    const { drawnPicture, data } = this.state;
    if (drawnPicture && !this.drawing) {
      this.seen ??= document.createElement("canvas");
      paintPicture(this.seen, drawnPicture, data.picture);
      pen.imageSmoothingEnabled = false;
      pen.globalAlpha = 0.35;
      pen.drawImage(this.seen, 0, 0, canvas.width, canvas.height);
      pen.globalAlpha = 1;
    }
    if (!this.cell) return;
    pen.strokeStyle = "#ffb000";
    pen.lineWidth = 3;
    pen.strokeRect(this.cell[1] * FINE + 1.5, this.cell[0] * FINE + 1.5, FINE - 3, FINE - 3);
  }

  #blank() {
    const pen = this.#ink.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, this.#ink.width, this.#ink.height);
  }

  // What outlives the element, which is taken away with its tab.
  #keep() {
    this.studio.store.set({ pad: { ink: this.#ink, size: this.size, fitted: this.fitted } });
  }

  #clear() {
    this.#blank();
    this.studio.store.set({ drawnPicture: null });
  }

  #fit(fitted) {
    this.fitted = fitted;
    this.#keep();
    if (this.state.drawnPicture) this.#take();
  }

  #place(event) {
    const box = event.target.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.#ink.width, ((event.clientY - box.top) / box.height) * this.#ink.height];
  }

  #begin(event) {
    event.target.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.#last = this.#place(event);
    this.#line(this.#last);
  }

  #move(event) {
    if (this.drawing) this.#line(this.#place(event));
  }

  #line(to) {
    const pen = this.#ink.getContext("2d", { willReadFrequently: true });
    pen.strokeStyle = "#fff";
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = Math.max(FINE, this.#ink.height / 9);
    pen.beginPath();
    pen.moveTo(...this.#last);
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
    this.#last = to;
    this.#take();
  }

  #end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.#take();
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => this.#speak(), SPOKEN);
  }

  #speak() {
    const { pictured, data } = this.state;
    if (pictured?.class === null || pictured?.class === undefined) return;
    const share = pictured.probabilities?.[pictured.class];
    announce(say("classified-told", { name: data.classes[pictured.class], share: share === undefined ? "" : percent(share, 0) }));
  }

  // The drawing as a picture of the data: each pixel the mean of its places; first moved to the middle and brought to the
  // full size, as pictures of the data are.
  #take() {
    const { picture: [height, width, channels] } = this.state.data;
    const pen = this.#ink.getContext("2d", { willReadFrequently: true });
    const box = this.fitted ? inked(pen, this.#ink) : null;
    let from = pen;
    if (box) {
      const small = (this.small ??= document.createElement("canvas"));
      [small.width, small.height] = [this.#ink.width, this.#ink.height];
      from = small.getContext("2d", { willReadFrequently: true });
      const factor = Math.min(small.width / box.width, small.height / box.height, 4);
      const [wide, high] = [box.width * factor, box.height * factor];
      from.fillRect(0, 0, small.width, small.height);
      from.drawImage(this.#ink, box.left, box.top, box.width, box.height, (small.width - wide) / 2, (small.height - high) / 2, wide, high);
    }
    const { data } = from.getImageData(0, 0, this.#ink.width, this.#ink.height);
    const pixels = new Float32Array(height * width * channels);
    const light = this.#lightGround();
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (let y = 0; y < FINE; y++) for (let x = 0; x < FINE; x++) sum += data[((row * FINE + y) * this.#ink.width + column * FINE + x) * 4];
        const ink = sum / (255 * FINE * FINE);
        pixels.fill(light ? 1 - ink : ink, (row * width + column) * channels, (row * width + column + 1) * channels);
      }
    }
    this.studio.store.set({ drawnPicture: pixels });
  }

  // Whether the data's pictures are dark on light: told by their corners.
  #lightGround() {
    const { data } = this.state;
    const pictures = data.arrays.pictures;
    if (!pictures) return false;
    const size = pictures.values.length / Math.max(pictures.shape[0], 1);
    let sum = 0;
    for (let i = 0; i < pictures.shape[0]; i++) sum += pictures.values[i * size];
    return sum / Math.max(pictures.shape[0], 1) > 127;
  }

  // Arrows go from pixel to pixel, space puts ink there or takes it away.
  #key(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const { picture: [height, width] } = this.state.data;
    const step = steps[event.key];
    if (step) this.cell = this.cell ? [clamped(this.cell[0] + step[0], height), clamped(this.cell[1] + step[1], width)] : [0, 0];
    else if (event.key === " " || event.key === "Enter") this.#dot(this.cell ?? (this.cell = [0, 0]));
    else if (event.key === "Delete" || event.key === "Backspace") this.#clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
    const { data } = this.#ink.getContext("2d", { willReadFrequently: true }).getImageData((this.cell?.[1] ?? 0) * FINE + FINE / 2, (this.cell?.[0] ?? 0) * FINE + FINE / 2, 1, 1);
    if (this.cell) announce(say(data[0] > 127 ? "pad-inked" : "pad-blank", { row: this.cell[0] + 1, column: this.cell[1] + 1 }));
  }

  #dot([row, column]) {
    const pen = this.#ink.getContext("2d", { willReadFrequently: true });
    const { data } = pen.getImageData(column * FINE + FINE / 2, row * FINE + FINE / 2, 1, 1);
    pen.fillStyle = data[0] > 127 ? "#000" : "#fff";
    pen.fillRect(column * FINE, row * FINE, FINE, FINE);
    this.fitted = false; // pixels set one by one stay where they are
    this.#keep();
    this.#take();
  }
}

const clamped = (at, count) => Math.max(0, Math.min(count - 1, at));

// The smallest box with all ink in it; null where there is none.
function inked(pen, { width, height }) {
  const { data } = pen.getImageData(0, 0, width, height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[(y * width + x) * 4] < 64) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

customElements.define("studio-drawpad", DrawPad);
