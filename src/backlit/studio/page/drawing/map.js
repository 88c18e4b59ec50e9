// Values over the input plane as a picture: `values` row by row, the first row at the bottom (y grows upwards).
import { classRamp, paperColour, signRamp } from "./palette.js";

const small = document.createElement("canvas");

// One value a place: below zero orange, above zero blue; `most` is what has the full colour, steps make a picture of bands.
export function paintValues(canvas, values, size, most = 1, bands = 0) {
  const picture = prepare(size);
  const colours = signRamp();
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let value = Math.max(-1, Math.min(1, values[row * size + column] / most));
      if (bands) value = Math.round(value * bands) / bands;
      const colour = (Number.isNaN(value) ? 128 : Math.round((value + 1) * 127.5)) * 3;
      put(picture, size, row, column, colours[colour], colours[colour + 1], colours[colour + 2]);
    }
  }
  finish(canvas, picture, size);
}

// A share a place, from the paper's colour to that of a class.
export function paintShare(canvas, values, size, label) {
  const picture = prepare(size);
  const [blank, full] = [paperColour(), classRamp(label)];
  for (let place = 0; place < size * size; place++) {
    put(picture, size, Math.floor(place / size), place % size, ...blank.map((value, i) => value + (full[i] - value) * values[place]));
  }
  finish(canvas, picture, size);
}

// `count` probabilities a place: the colours of the classes mixed by them.
export function paintClasses(canvas, values, size, count) {
  const picture = prepare(size);
  const blank = paperColour();
  const colours = Array.from({ length: count }, (_, index) => classRamp(index));
  for (let place = 0; place < size * size; place++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (values[place * count + k] > values[place * count + best]) best = k;
    const sure = Math.max(0, (values[place * count + best] - 1 / count) / (1 - 1 / count)) ** 0.7;
    const mixed = blank.map((value, i) => value + (colours[best][i] - value) * sure);
    put(picture, size, Math.floor(place / size), place % size, ...mixed);
  }
  finish(canvas, picture, size);
}

function prepare(size) {
  if (small.width !== size || small.height !== size) {
    small.width = size;
    small.height = size;
  }
  return small.getContext("2d", { willReadFrequently: true }).createImageData(size, size);
}

function put(picture, size, row, column, r, g, b) {
  const at = ((size - 1 - row) * size + column) * 4;
  picture.data[at] = r;
  picture.data[at + 1] = g;
  picture.data[at + 2] = b;
  picture.data[at + 3] = 255;
}

function finish(canvas, picture, size) {
  small.getContext("2d").putImageData(picture, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small, 0, 0, size, size, 0, 0, canvas.width, canvas.height);
}

// A canvas has as many pixels as the screen shows of it, so that lines are sharp.
export function fit(canvas, width, height = width) {
  const density = Math.min(devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    return true;
  }
  return false;
}
