// What a network does with a picture, layer by layer: the filters of each convolution (or a dense layer's weights, where they
// are of pixels), and what comes out of each layer.
import { paintPicture, paintTiles, range } from "./drawing/tiles.js";
import { StudioElement } from "./element.js";
import { html, nothing } from "./lit.js";
import { number, say } from "./say.js";

const MOST_FILTERS = 16;
const MOST_CHANNELS = 8;
const IN_A_ROW = 32; // units of a dense layer

class Filters extends StudioElement {
  static watches = ["layers", "pictured", "data", "side", "compare"];

  get layers() {
    const { layers, compare, side } = this.state;
    return (side === "b" && compare?.layers) || layers || [];
  }

  render() {
    const { data, pictured } = this.state;
    if (!data?.picture) return nothing;
    return html`<section class="layer-pictures"><h2>${say("layer-by-layer")}</h2>
      ${pictured ? html`<figure class="layer-picture"><figcaption class="small">${say("picture")}</figcaption><canvas data-seen class="pixels" role="img" aria-label=${this.#told()}></canvas></figure>` : nothing}
      ${this.layers.slice(1).map((layer, index) => this.#layer(layer, index + 1))}</section>`;
  }

  #told() {
    const { pictured, data } = this.state;
    return pictured.row === null || pictured.row === undefined ? say("picture-drawn") : say("picture-named", { number: pictured.row, name: data.classes?.[pictured.truth] ?? "" });
  }

  #layer(layer, index) {
    const weights = this.#weights(layer, index);
    const maps = this.state.pictured?.arrays[`features/${layer.path}`];
    if (!weights && !maps) return nothing;
    return html`<div class="layer-picture" data-layer-picture=${layer.path}>
      <h3>${index}. ${layer.kind}${layer.activation ? html` <span class="soft">${layer.activation}</span>` : nothing} <span class="soft small n">${layer.shape.join(" × ")}</span></h3>
      <div class="row">
        ${weights ? html`<figure><figcaption class="small soft">${say("filters-shown", weights)}</figcaption><canvas data-filters=${layer.path} class="pixels" role="img" aria-label=${say("filters-told", { ...weights, ...ends(weights.values) })}></canvas></figure>` : nothing}
        ${maps ? html`<figure><figcaption class="small soft">${say(maps.shape.length === 3 ? "maps-shown" : "units-shown", { count: maps.shape.at(-1) })}</figcaption>
          <canvas data-maps=${layer.path} class="pixels ${maps.shape.length === 3 ? "" : "units"}" role="img" aria-label=${say("maps-told", { count: maps.shape.at(-1), ...ends(maps.values) })}></canvas></figure>` : nothing}
      </div></div>`;
  }

  // The weights that are pictures: of a convolution, or of a dense layer that reads the pixels.
  #weights(layer, index) {
    const { frames, data, side } = this.state;
    const found = frames?.a?.arrays?.[`${side === "b" ? "b:" : ""}param/${layer.path}/weight`];
    const { shape, values } = found ?? {};
    if (shape?.length === 4) return { outputs: shape[0], height: shape[1], width: shape[2], channels: shape[3], values };
    const [height, width, channels] = data.picture;
    if (index === 1 && shape?.length === 2 && shape[1] === height * width * channels) return { outputs: shape[0], height, width, channels, values };
    return null;
  }

  updated() {
    this.paint();
  }

  frameArrived() {
    this.#paintFilters();
  }

  paint() {
    const { pictured, data } = this.state;
    if (!data?.picture) return;
    this.#paintFilters();
    if (!pictured) return;
    const seen = this.querySelector("[data-seen]");
    if (seen && pictured.arrays.pixels.values.length === data.picture.reduce((a, b) => a * b, 1)) enlarged(seen, data.picture[1], 64, () => paintPicture(seen, pictured.arrays.pixels.values, data.picture));
    for (const canvas of this.querySelectorAll("[data-maps]")) {
      const maps = pictured.arrays[`features/${canvas.dataset.maps}`];
      if (maps) paintMaps(canvas, maps);
    }
  }

  #paintFilters() {
    for (const canvas of this.querySelectorAll("[data-filters]")) {
      const index = this.layers.findIndex(({ path }) => path === canvas.dataset.filters);
      const weights = index > 0 && this.#weights(this.layers[index], index);
      if (weights) paintFilters(canvas, weights);
    }
  }
}

// A column for each filter, in it a tile for each channel that it reads.
export function paintFilters(canvas, { outputs, height, width, channels, values }, first = 0) {
  const [shown, rows] = [Math.min(outputs, MOST_FILTERS), Math.min(channels, MOST_CHANNELS)];
  const most = Math.max(...range(values).map(Math.abs), 1e-9);
  const at = (tile, row, column) => (((first + (tile % shown)) * height + row) * width + column) * channels + Math.floor(tile / shown);
  enlarged(canvas, width, 30, () => paintTiles(canvas, { count: shown * rows, height, width, across: shown }, (...place) => values[at(...place)] / most));
}

function paintMaps(canvas, { shape, values }) {
  const most = Math.max(...range(values).map(Math.abs), 1e-9);
  if (shape.length === 1) return enlarged(canvas, 1, 12, () => paintTiles(canvas, { count: shape[0], height: 1, width: 1, across: Math.min(shape[0], IN_A_ROW) }, (unit) => values[unit] / most));
  const [height, width, count] = shape;
  enlarged(canvas, width, 40, () => paintTiles(canvas, { count, height, width, across: Math.min(count, 8) }, (tile, row, column) => values[(row * width + column) * count + tile] / most));
}

// Painted a pixel a value, then shown so large that a tile is about as wide as said, by whole pixels.
function enlarged(canvas, tile, wide, paint) {
  paint();
  const shown = `${canvas.width * Math.max(1, Math.round(wide / tile))}px`;
  if (canvas.style.width !== shown) canvas.style.width = shown;
}

const ends = (values) => {
  const [low, high] = range(values);
  return { low: number(low, 3), high: number(high, 3) };
};

customElements.define("studio-filters", Filters);
