// Values over the input plane as a picture: `values` row by row, the first row at the bottom (y grows upwards).
import { classRamp, paperColour, signWords } from "./palette.js";

// One small picture for each size, used again for every frame: its pixels as whole numbers, blue before green before red.
const small = new Map();

// One value a place: below the middle orange, above it blue; `most` beyond it is what has the full colour, steps make a
// picture of bands.
export function paintValues(canvas, values, size, most = 1, bands = 0, middle = 0) {
  const { pixels } = prepare(size);
  const colours = signWords();
  for (let row = 0, place = 0; row < size; row++) {
    let at = (size - 1 - row) * size;
    for (let column = 0; column < size; column++, at++, place++) {
      let value = (values[place] - middle) / most;
      value = value > 1 ? 1 : value < -1 ? -1 : value;
      if (bands) value = Math.round(value * bands) / bands;
      pixels[at] = colours[Number.isNaN(value) ? 128 : (value * 127.5 + 128) | 0];
    }
  }
  finish(canvas, size);
}

// A share a place, from the paper's colour to that of a class.
export function paintShare(canvas, values, size, label) {
  const { pixels } = prepare(size);
  const mixed = mixer(paperColour(), classRamp(label));
  for (let place = 0; place < size * size; place++) pixels[upwards(place, size)] = mixed(values[place]);
  finish(canvas, size);
}

// `count` probabilities a place: the colours of the classes mixed by them.
export function paintClasses(canvas, values, size, count) {
  const { pixels } = prepare(size);
  const blank = paperColour();
  const mixers = Array.from({ length: count }, (_, index) => mixer(blank, classRamp(index)));
  for (let place = 0; place < size * size; place++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (values[place * count + k] > values[place * count + best]) best = k;
    pixels[upwards(place, size)] = mixers[best](Math.max(0, (values[place * count + best] - 1 / count) / (1 - 1 / count)) ** 0.7);
  }
  finish(canvas, size);
}

const upwards = (place, size) => (size - 1 - Math.floor(place / size)) * size + (place % size);

function mixer(from, to) {
  return (share) => {
    const [r, g, b] = from.map((value, i) => Math.round(value + (to[i] - value) * share));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  };
}

function prepare(size) {
  if (!small.has(size)) {
    const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const picture = pen.createImageData(size, size);
    small.set(size, { canvas, pen, picture, pixels: new Int32Array(picture.data.buffer) });
  }
  return small.get(size);
}

function finish(target, size) {
  const { canvas, pen: own, picture } = small.get(size);
  own.putImageData(picture, 0, 0);
  const pen = target.getContext("2d");
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "medium";
  pen.drawImage(canvas, 0, 0, size, size, 0, 0, target.width, target.height);
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
