// Places in the network: a weight is {layer, unit, input}, a unit {layer, unit}; layers by path;
// of a recurrent layer with its kind, the gate, how many rows of weights stand before the gate's, and where it comes from.

export const samePlace = (a, b) => Boolean(a && b) && a.layer === b.layer && a.unit === b.unit && (a.input ?? null) === (b.input ?? null) && a.from === b.from;

// How the protocol writes a weight: "0/weight[1,2]" is unit 1's weight of input 2.
export const weightName = ({ layer, unit, input, offset = 0, from }) => `${layer}/${from === "state" ? "recurrent/" : ""}weight[${unit + offset},${input}]`;
export const biasName = ({ layer, unit, offset = 0 }) => `${layer}/bias[${unit + offset}]`;

// "0/layers/1/5" is unit 5 of the layer "0/layers/1".
export function parseChosen(name) {
  const at = name.lastIndexOf("/");
  return [name.slice(0, at), Number(name.slice(at + 1))];
}
