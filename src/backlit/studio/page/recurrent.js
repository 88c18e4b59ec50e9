// What the page knows of networks that read a text step by step.

export const KINDS = ["rnn", "lstm", "gru", "linear"];
const GATES = { LSTM: ["input_gate", "forget_gate", "candidate", "output_gate"], GRU: ["reset_gate", "update_gate", "candidate"] };

export const isText = ({ data }) => data?.task === "text";

// Whether the data is that of the run with which the studio was opened, which has left a network.
export const hasRun = ({ spec }) => spec?.data.name === "file" && spec.data.file === "run";

// Of a gated layer the candidate's weights are drawn: what it would write into its state.
export const gateDrawn = (layer) => (GATES[layer.kind] ? "candidate" : undefined);
export const gateOffset = (layer, gate) => Math.max(0, GATES[layer?.kind]?.indexOf(gate) ?? 0) * (layer?.units ?? 0);

// The weights of one gate out of all, as units by inputs.
export function weightsDrawn(array, layer, inputs) {
  const gates = GATES[layer.kind];
  if (!array || !gates) return array;
  const start = gates.indexOf("candidate") * layer.units * inputs;
  return { shape: [layer.units, inputs], values: array.values.subarray(start, start + layer.units * inputs) };
}

// What each unit of a column has at a step of the row.
export function valuesAt(arrays, layers, index, step, side = "") {
  const found = arrays[index === layers.length - 1 ? `${side}steps/output` : `${side}steps/${layers[index].path}/hidden`];
  if (!found) return null;
  const [steps, units] = found.shape;
  const at = Math.min(step ?? steps - 1, steps - 1);
  return found.values.subarray(at * units, (at + 1) * units);
}

// What the last frame has of the row, for the network that is shown: `at(name)` is an array of it.
export function lookedAt({ frames, side, compare }) {
  const { reading, arrays } = frames?.a ?? {};
  if (!reading) return { reading: null };
  const second = side === "b" && compare && reading.other;
  return { reading: second ? { ...reading, layers: reading.other } : reading, at: (name) => arrays[second ? `b:${name}` : name], second: Boolean(second) };
}

// A letter so that one sees it.
export const shown = (letter) => ({ " ": "␣", "\n": "⏎", "\t": "⇥" })[letter] ?? letter;

export const isRecurrent = (network) => Boolean(network?.word ? /(^| )(rnn|lstm|gru)/.test(network.word) : network?.layers?.some(({ kind }) => kind && kind !== "linear"));

// Data with the network that suits it, where the present one doesn't: a text needs a layer with a state.
export function fitting({ spec, catalog, data }, next, text) {
  const recurrent = isRecurrent(spec?.network);
  const other = spec?.network?.of_run && !hasRun({ spec: { data: next } }); // a run's network is for its own rows
  if (text && (other || (!recurrent && !isText({ data })))) return { data: next, network: { layers: [{ kind: "rnn", units: 8 }] } };
  if (!text && (other || recurrent || isText({ data }))) return { data: next, network: catalog.state.network };
  return { data: next };
}

// Letters of a row, as far as the page has the text.
export function windowOf({ text }, row) {
  const start = text?.starts?.[row];
  return start === undefined ? "" : [...text.text].slice(start, start + text.steps + 1).join("");
}
