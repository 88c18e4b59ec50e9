// Where the units of a network stand: a column a layer, a block for a layer that can't be shown unit by unit.
import { ordered } from "../moving.js";

const MOST_UNITS = 64;
const GAP = 7;
const LARGEST = 42;
const WIDEST = 96; // of a block, so that the name of its kind stands in it

// Whether a layer stands as one block: of its own kind, or since its units are too many.
export const isBlock = ({ units, block }) => block || units > MOST_UNITS;

// columns: [{units, x, size, places: [{x, y}]}], x and y the middle of each unit; height for all.
export function arrange(layers, width, height, orders = {}, narrowest = 85) {
  const step = Math.max(narrowest, width / Math.max(layers.length, 1));
  const columns = layers.map((layer, index) => {
    const x = step * (index + 0.5);
    const block = isBlock(layer);
    const count = block ? 1 : layer.units;
    const files = count <= 16 ? 1 : Math.min(4, Math.ceil(count / 16)); // several columns of small units side by side
    const ranks = Math.ceil(count / files);
    const size = block ? Math.min(WIDEST, step - 12) : Math.max(12, Math.min(LARGEST, height / ranks - GAP, (step - 24) / files - 4));
    const apart = Math.min(size + 18, height / ranks);
    const spots = Array.from({ length: count }, (_, spot) => {
      const [file, rank] = [Math.floor(spot / ranks), spot % ranks];
      const inFile = Math.min(ranks, count - file * ranks);
      return { x: x + (file - (files - 1) / 2) * (size + 4), y: height / 2 + (rank - (inFile - 1) / 2) * apart };
    });
    const places = [];
    ordered(orders, { path: layer.path, units: count }).forEach((unit, spot) => (places[unit] = spots[spot]));
    return { layer, index, x, size, block, places };
  });
  return { columns, width: step * layers.length, height };
}

export function curve(from, to) {
  const middle = (from.x + to.x) / 2;
  return `M${from.x.toFixed(1)} ${from.y.toFixed(1)}C${middle.toFixed(1)} ${from.y.toFixed(1)} ${middle.toFixed(1)} ${to.y.toFixed(1)} ${to.x.toFixed(1)} ${to.y.toFixed(1)}`;
}

// The edges that are drawn: all of them, or where there are too many the strongest.
export function edgesBetween(from, to, weights, most) {
  const edges = [];
  if (from.block || to.block) return [{ unit: 0, input: 0, bundle: true }];
  const [units, inputs] = [to.places.length, from.places.length];
  for (let unit = 0; unit < units; unit++) for (let input = 0; input < inputs; input++) edges.push({ unit, input });
  if (edges.length <= most || !weights) return edges.slice(0, most);
  const size = ({ unit, input }) => Math.abs(weights.values[unit * inputs + input]);
  return edges.sort((a, b) => size(b) - size(a)).slice(0, most);
}
