// Units carried to another place. Within their layer that changes the picture alone: the network computes the same. To
// another layer: one unit fewer here, one more there.
import { announce } from "./announce.js";
import { say } from "./say.js";

// Units of a layer from top to bottom.
export function ordered(orders, { path, units }) {
  const order = orders[path];
  return order?.length === units ? order : Array.from({ length: units }, (_, unit) => unit);
}

// A unit in another one's place, which moves on with those after it.
export function carryWithin(studio, layer, unit, to) {
  const { orders } = studio.store.state;
  const order = ordered(orders, layer);
  const [from, goal] = [order.indexOf(unit), Math.max(0, Math.min(order.length - 1, to))];
  if (from === goal) return;
  const moved = order.filter((one) => one !== unit);
  moved.splice(goal, 0, unit);
  studio.store.set({ orders: { ...orders, [layer.path]: moved } });
  announce(say("unit-moved", { unit: unit + 1, place: goal + 1, count: order.length }));
}

// `from` and `to` count hidden layers from 0.
export function carryAcross(studio, from, to) {
  const { spec, compare, side } = studio.store.state;
  const other = side === "b" && compare;
  const { network, training } = other ? compare.state : spec;
  const layers = network.layers?.map((layer, index) => ({ ...layer, units: layer.units + (index === to) - (index === from) }));
  if (!layers?.[from]?.units || !layers[to] || from === to) return;
  announce(say("unit-moved-across", { layer: to + 1, count: layers[to].units }));
  const changed = { network: { ...network, layers } };
  if (other) studio.session.ask("compare", { change: { ...changed, training } });
  else studio.session.configure(changed);
}
