// Which of two networks is meant: what is shown is what is changed by hand, unless both are to be.
import { say } from "./say.js";

// The part of a message that says it; nothing, where both are meant or there is but one.
export const changed = ({ compare, side, both }) => (compare && !both ? { side } : {});

// The part of a message that asks of the network that is shown.
export const ofShown = ({ compare, side }) => (compare && side === "b" ? { side } : {});

// What is seen as a state: of the second network, if that one is shown.
export const shownSpec = ({ spec, compare, side }) => (side === "b" && compare?.state) || spec;

export const shownLayers = ({ layers, compare, side }) => (side === "b" && compare?.layers) || layers;

// Behind a title: which of two networks it is of.
export const shownName = ({ compare, side }) => (compare ? ` · ${say(side === "b" ? "other-network" : "this-network")}` : "");
