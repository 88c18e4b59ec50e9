// Colours that people with any kind of colour vision tell apart (Okabe and Ito), with a shape for each class beside them.
// Orange is below zero and class 0, blue above zero and class 1.

const CLASSES = [
  [213, 94, 0],
  [0, 114, 178],
  [0, 158, 115],
  [204, 121, 167],
  [86, 180, 233],
  [230, 159, 0],
  [117, 117, 117],
  [148, 52, 110],
  [140, 86, 40],
  [60, 60, 60],
];
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "star", "hexagon", "bar", "pentagon", "saltire"];

const scheme = matchMedia("(prefers-color-scheme: dark)");
export const dark = () => scheme.matches;
const paper = () => (dark() ? [24, 28, 33] : [250, 250, 250]);

export const classColour = (index) => CLASSES[index % CLASSES.length];
export const css = ([r, g, b], alpha = 1) => `rgba(${r | 0}, ${g | 0}, ${b | 0}, ${alpha})`;
export const signColour = (value) => CLASSES[value < 0 ? 0 : 1];

function mix(from, to, share) {
  return from.map((value, i) => value + (to[i] - value) * share);
}

// 256 colours from the one for −1 over paper to the one for +1, as bytes for pictures.
function ramp(low, high) {
  const middle = paper();
  const bytes = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = i / 127.5 - 1;
    bytes.set(mix(middle, at < 0 ? low : high, Math.abs(at) ** 0.85 * 0.92), i * 3);
  }
  return bytes;
}

let cached;

export function signRamp() {
  const mode = dark();
  if (cached?.mode !== mode) {
    const bytes = ramp(CLASSES[0], CLASSES[1]);
    cached = { mode, bytes, words: Int32Array.from({ length: 256 }, (_, i) => (255 << 24) | (bytes[3 * i + 2] << 16) | (bytes[3 * i + 1] << 8) | bytes[3 * i]) };
  }
  return cached.bytes;
}

// The same as whole numbers, as pixels of a picture lie in memory.
export function signWords() {
  signRamp();
  return cached.words;
}

export function classRamp(index) {
  return mix(paper(), classColour(index), 0.9);
}

export const paperColour = paper;
