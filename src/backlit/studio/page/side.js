// Which of two networks is meant: what is shown is what is changed by hand, unless both are to be.

// The part of a message that says it; nothing, where both are meant or there is but one.
export const changed = ({ compare, side, both }) => (compare && !both ? { side } : {});

// What is seen as a state: of the second network, if that one is shown.
export const shownSpec = ({ spec, compare, side }) => (side === "b" && compare?.state) || spec;

export const shownLayers = ({ layers, compare, side }) => (side === "b" && compare?.layers) || layers;
