// Places in the network: a weight is {layer, unit, input}, a unit {layer, unit}; layers by path.

export const samePlace = (a, b) => Boolean(a && b) && a.layer === b.layer && a.unit === b.unit && (a.input ?? null) === (b.input ?? null);

// How the protocol writes a weight: "0/weight[1,2]" is unit 1's weight of input 2.
export const weightName = ({ layer, unit, input }) => `${layer}/weight[${unit},${input}]`;
export const biasName = ({ layer, unit }) => `${layer}/bias[${unit}]`;

// "0/layers/1/5" is unit 5 of the layer "0/layers/1".
export function parseChosen(name) {
  const at = name.lastIndexOf("/");
  return [name.slice(0, at), Number(name.slice(at + 1))];
}
