// Written by `python -m backlit.studio.declare` from studio/messages.py: change that, not this.
export const VERSION = 1;
export const COMMON = {
"id": {
"kind": "whole",
"optional": true,
"low": 0,
"high": 2147483647,
"wanted": "a whole number from 0 to 2147483647",
},
};
export const MESSAGES = {
"ask": {
"hello": {"version": {"kind": "whole", "low": 1, "high": 2147483647, "wanted": "a whole number from 1 to 2147483647"}, "language": {"kind": "text", "optional": true, "names": ["en", "ko"], "wanted": "en or ko"}},
"configure": {"state": {"kind": "object", "wanted": "an object"}},
"upload": {"name": {"kind": "text", "high": 200, "wanted": "a text of at most 200 characters"}, "kind": {"kind": "text", "names": ["table", "text", "pictures"], "wanted": "table or text or pictures"}},
"step": {"updates": {"kind": "whole", "optional": true, "low": 1, "high": 100000, "wanted": "a whole number from 1 to 100000"}, "epochs": {"kind": "whole", "optional": true, "low": 1, "high": 10000, "wanted": "a whole number from 1 to 10000"}},
"play": {"speed": {"kind": "whole", "optional": true, "low": 0, "high": 100000, "wanted": "a whole number from 0 to 100000"}},
"pause": {},
"seek": {"update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"reset": {},
"rate": {"value": {"kind": "number", "low": 0, "high": 1000, "wanted": "a number from 0 to 1000"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"edit": {"place": {"kind": "text", "high": 200, "wanted": "a text of at most 200 characters"}, "value": {"kind": "number", "low": -1000000000.0, "high": 1000000000.0, "wanted": "a number from -1000000000 to 1000000000"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"freeze": {"layer": {"kind": "text", "high": 200, "wanted": "a text of at most 200 characters"}, "unit": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "on": {"kind": "flag", "wanted": "true or false"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"look": {"panels": {"kind": "list", "optional": true, "high": 20, "wanted": "a list of at most 20 items"}, "grid": {"kind": "whole", "optional": true, "low": 8, "high": 128, "wanted": "a whole number from 8 to 128"}, "row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"seen": {"frame": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"explain": {"weight": {"kind": "text", "optional": true, "high": 200, "wanted": "a text of at most 200 characters"}, "layer": {"kind": "text", "optional": true, "high": 200, "wanted": "a text of at most 200 characters"}, "unit": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "gate": {"kind": "text", "optional": true, "high": 40, "wanted": "a text of at most 40 characters"}, "row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"walk": {"example": {"kind": "text", "optional": true, "names": ["W1", "W2"], "wanted": "W1 or W2"}, "row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"pull": {"inputs": {"kind": "list", "high": 5000, "wanted": "a list of at most 5000 items"}, "row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"picture": {"row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"mistakes": {"side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"surface": {"grid": {"kind": "whole", "optional": true, "low": 5, "high": 61, "wanted": "a whole number from 5 to 61"}},
"compare": {"change": {"kind": "object", "wanted": "an object"}},
"keep": {},
"discard": {},
"doctor": {"side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"try": {"key": {"kind": "text", "high": 200, "wanted": "a text of at most 200 characters"}},
"break": {"seed": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"guess": {"key": {"kind": "text", "high": 200, "wanted": "a text of at most 200 characters"}},
"assign": {"task": {"kind": "any", "optional": true, "wanted": "anything"}, "state": {"kind": "any", "optional": true, "wanted": "anything"}, "again": {"kind": "flag", "optional": true, "wanted": "true or false"}},
"check": {},
"help": {"of": {"kind": "text", "names": ["hint", "solution"], "wanted": "hint or solution"}},
"share": {"task": {"kind": "object", "wanted": "an object"}, "pupils": {"kind": "whole", "optional": true, "low": 1, "high": 200, "wanted": "a whole number from 1 to 200"}},
"code": {"side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"draw": {"depth": {"kind": "text", "names": ["layers", "time", "cell"], "wanted": "layers or time or cell"}, "step": {"kind": "whole", "optional": true, "low": 1, "high": 2147483647, "wanted": "a whole number from 1 to 2147483647"}, "language": {"kind": "text", "optional": true, "names": ["en", "ko"], "wanted": "en or ko"}, "row": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"say": {"start": {"kind": "text", "high": 1000, "wanted": "a text of at most 1000 characters"}, "characters": {"kind": "whole", "optional": true, "low": 1, "high": 1000, "wanted": "a whole number from 1 to 1000"}, "temperature": {"kind": "number", "optional": true, "low": 0, "high": 5, "wanted": "a number from 0 to 5"}, "seed": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
},
"tell": {
"welcome": {"version": {"kind": "whole", "low": 1, "high": 2147483647, "wanted": "a whole number from 1 to 2147483647"}, "backlit": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "catalog": {"kind": "object", "wanted": "an object"}, "limits": {"kind": "object", "wanted": "an object"}},
"state": {"state": {"kind": "object", "wanted": "an object"}, "at": {"kind": "object", "wanted": "an object"}, "layers": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "notes": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "compare": {"kind": "any", "optional": true, "wanted": "anything"}, "planted": {"kind": "flag", "wanted": "true or false"}, "assignment": {"kind": "any", "optional": true, "wanted": "anything"}},
"data": {"task": {"kind": "text", "names": ["classification", "regression", "text"], "wanted": "classification or regression or text"}, "columns": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "classes": {"kind": "any", "optional": true, "wanted": "anything"}, "shown": {"kind": "any", "optional": true, "wanted": "anything"}, "range": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "rows": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "picture": {"kind": "any", "optional": true, "wanted": "anything"}, "text": {"kind": "any", "optional": true, "wanted": "anything"}},
"frame": {"frame": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "epoch": {"kind": "number", "wanted": "a number"}, "playing": {"kind": "flag", "wanted": "true or false"}, "loss": {"kind": "any", "optional": true, "wanted": "anything"}, "held_loss": {"kind": "any", "optional": true, "wanted": "anything"}, "accuracy": {"kind": "any", "optional": true, "wanted": "anything"}, "curves_from": {"kind": "whole", "optional": true, "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "curves_apart": {"kind": "whole", "optional": true, "low": 1, "high": 2147483647, "wanted": "a whole number from 1 to 2147483647"}, "findings": {"kind": "list", "optional": true, "high": 20000, "wanted": "a list of at most 20000 items"}, "diverged": {"kind": "any", "optional": true, "wanted": "anything"}, "histograms": {"kind": "list", "optional": true, "high": 20000, "wanted": "a list of at most 20000 items"}, "flow": {"kind": "list", "optional": true, "high": 20000, "wanted": "a list of at most 20000 items"}, "compare": {"kind": "any", "optional": true, "wanted": "anything"}, "text": {"kind": "any", "optional": true, "wanted": "anything"}, "reading": {"kind": "any", "optional": true, "wanted": "anything"}},
"done": {"asked": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "at": {"kind": "any", "optional": true, "wanted": "anything"}},
"error": {"asked": {"kind": "text", "optional": true, "high": 10000, "wanted": "a text of at most 10000 characters"}, "what": {"kind": "object", "wanted": "an object"}, "field": {"kind": "text", "optional": true, "high": 10000, "wanted": "a text of at most 10000 characters"}},
"note": {"what": {"kind": "object", "wanted": "an object"}},
"uploaded": {"file": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "rows": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "columns": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "target": {"kind": "any", "optional": true, "wanted": "anything"}, "notes": {"kind": "list", "optional": true, "high": 20000, "wanted": "a list of at most 20000 items"}},
"explained": {"update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "weight": {"kind": "any", "optional": true, "wanted": "anything"}, "unit": {"kind": "any", "optional": true, "wanted": "anything"}, "rows": {"kind": "any", "optional": true, "wanted": "anything"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"walked": {"nodes": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "edges": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "steps": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "example": {"kind": "any", "optional": true, "wanted": "anything"}},
"pulled": {"inputs": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "layers": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "output": {"kind": "any", "wanted": "anything"}},
"pictured": {"update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "row": {"kind": "any", "optional": true, "wanted": "anything"}, "probabilities": {"kind": "any", "optional": true, "wanted": "anything"}, "class": {"kind": "any", "optional": true, "wanted": "anything"}, "truth": {"kind": "any", "optional": true, "wanted": "anything"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"mistaken": {"update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "judged": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "held": {"kind": "flag", "wanted": "true or false"}, "wrong": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "rows": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "truth": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "taken": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "sure": {"kind": "any", "optional": true, "wanted": "anything"}, "side": {"kind": "text", "optional": true, "names": ["a", "b"], "wanted": "a or b"}},
"surface": {"range": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "explained": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "kind": {"kind": "text", "names": ["pca", "random"], "wanted": "pca or random"}},
"findings": {"findings": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"judged": {"right": {"kind": "flag", "wanted": "true or false"}, "what": {"kind": "object", "wanted": "an object"}},
"checked": {"met": {"kind": "flag", "wanted": "true or false"}, "solved": {"kind": "flag", "wanted": "true or false"}, "parts": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}, "what": {"kind": "object", "wanted": "an object"}, "update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"helped": {"of": {"kind": "text", "names": ["hint", "solution"], "wanted": "hint or solution"}, "what": {"kind": "object", "wanted": "an object"}, "state": {"kind": "any", "optional": true, "wanted": "anything"}},
"shared": {"link": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "command": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "goals": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}},
"code": {"python": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "command": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "link": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "notes": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}},
"drawn": {"depth": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "svg": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "title": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "text": {"kind": "text", "high": 10000, "wanted": "a text of at most 10000 characters"}, "update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}},
"said": {"text": {"kind": "text", "high": 200000, "wanted": "a text of at most 200000 characters"}, "start": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "update": {"kind": "whole", "low": 0, "high": 2147483647, "wanted": "a whole number from 0 to 2147483647"}, "steps": {"kind": "list", "high": 20000, "wanted": "a list of at most 20000 items"}},
},
};
export const ARRAYS = {
"upload": "file: u1, its bytes",
"picture": "pixels: f4 (height, width, channels) from 0 to 1, in place of a row",
"data": "pictures: u1 (some, height, width, channels), the first of them; plane: f4 (rows, 2), places on the plane; y: f4 (rows,), class numbers or numbers; held: u1 (rows,), 1 for rows held back from training",
"frame": "boundary: f4 (grid, grid), of classes (grid, grid, classes), rows from the bottom up; units/PATH: f4 (units, grid, grid); param/PATH: f4, each parameter by its path (param/0/weight); curves: f4 (updates, 2), loss and held loss of each update since the last frame, or of several each; values/PATH: f4 (units,), of the row that was last asked about; steps/output: f4 (steps, letters), probabilities of the next character; steps/PATH/STATE: f4 (steps, units), of a recurrent layer's hidden, cell and gates",
"explained": "map: f4 (grid, grid), of a unit over the plane",
"pictured": "pixels: f4 (height, width, channels); features/PATH: f4, each layer's output: (height, width, channels), at most 32 of them, or (units,)",
"mistaken": "pictures: u1 (shown, height, width, channels); confusion: i4 (classes, classes), how many of each class (row) are taken for each",
"surface": "loss: f4 (grid, grid); path: f4 (points, 2); updates: f4 (points,)",
};

const KINDS = {
  flag: (v) => typeof v === "boolean",
  object: (v) => typeof v === "object" && v !== null && !Array.isArray(v),
  any: () => true,
  text: (v, f) => typeof v === "string" && (f.names ? f.names.includes(v) : [...v].length <= (f.high ?? Infinity)),
  list: (v, f) => Array.isArray(v) && v.length <= (f.high ?? Infinity),
  number: (v, f) => Number.isFinite(v) && v >= (f.low ?? -Infinity) && v <= (f.high ?? Infinity),
  whole: (v, f) => Number.isInteger(v) && v >= (f.low ?? -Infinity) && v <= (f.high ?? Infinity),
};

/** What is wrong with a message of a direction ("ask" or "tell"), in English; null if nothing is. */
export function wrong(message, direction) {
  if (!KINDS.object(message)) return "a message must be an object with a type";
  const known = MESSAGES[direction];
  if (!Object.hasOwn(known, message.type)) return `no message ${message.type}`;
  const fields = { ...COMMON, ...known[message.type] };
  for (const key of Object.keys(message)) {
    if (key !== "type" && key !== "arrays" && !Object.hasOwn(fields, key)) return `${message.type}: no part ${key}`;
  }
  for (const [name, field] of Object.entries(fields)) {
    const value = message[name] ?? null;
    if (value === null) {
      if (!field.optional) return `${message.type}: ${name} is missing`;
    } else if (!KINDS[field.kind](value, field)) {
      return `${message.type}: ${name} must be ${field.wanted}`;
    }
  }
  return null;
}
