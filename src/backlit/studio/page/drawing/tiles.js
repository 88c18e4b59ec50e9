// Small pictures side by side on one canvas, a pixel a value: the style sheet enlarges them without smoothing.
import { signRamp } from "./palette.js";

const GAP = 1;

// `value(tile, row, column)` is a number from −1 to 1 (below zero orange, above zero blue), or [r, g, b] from 0 to 255.
export function paintTiles(canvas, { count, height, width, across = count }, value) {
  const rows = Math.ceil(count / across);
  const [wide, high] = [across * (width + GAP) - GAP, rows * (height + GAP) - GAP];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.picture = null;
  }
  const pen = canvas.getContext("2d");
  const picture = (canvas.picture ??= pen.createImageData(wide, high));
  const colours = signRamp();
  for (let tile = 0; tile < count; tile++) {
    const [left, top] = [(tile % across) * (width + GAP), Math.floor(tile / across) * (height + GAP)];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = ((top + row) * wide + left + column) * 4;
        const found = value(tile, row, column);
        if (typeof found === "number") {
          const colour = Math.round((Math.max(-1, Math.min(1, found || 0)) + 1) * 127.5) * 3;
          for (let i = 0; i < 3; i++) picture.data[at + i] = colours[colour + i];
        } else for (let i = 0; i < 3; i++) picture.data[at + i] = found[i];
        picture.data[at + 3] = 255;
      }
    }
  }
  pen.putImageData(picture, 0, 0);
}

// One picture of the data: grey or colour, `most` its brightest value.
export function paintPicture(canvas, values, [height, width, channels], most = 1, from = 0) {
  paintTiles(canvas, { count: 1, height, width }, (_, row, column) => {
    const at = from + (row * width + column) * channels;
    return [0, 1, 2].map((i) => (values[at + (channels === 1 ? 0 : i)] * 255) / most);
  });
}

export function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
