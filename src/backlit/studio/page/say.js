// Texts in the chosen language: `say("at-update", {count: 3})`. A place with a slash is a Korean particle in its two
// forms, of which the sound before it decides, as in `backlit.languages`: "{name}{을/를}".

export const LANGUAGES = { en: "English", ko: "한국어" };

let texts = {};
let chosen = "en";

export async function loadTexts(base = import.meta.url) {
  texts = globalThis.backlitStudio?.texts ?? {}; // a notebook's page has them in it
  if (Object.keys(texts).length) return;
  const codes = Object.keys(LANGUAGES);
  const files = await Promise.all(codes.map((code) => fetch(new URL(`texts/${code}.json`, base))));
  const read = await Promise.all(files.map((file) => file.json()));
  texts = Object.fromEntries(codes.map((code, i) => [code, read[i]]));
}

export function chooseLanguage(code) {
  if (!(code in LANGUAGES)) return;
  chosen = code;
  document.documentElement.lang = code;
}

export const language = () => chosen;

// What the server says comes in both languages, or as one text that needs none (a name, a number).
export const told = (both) => (both && typeof both === "object" ? (both[chosen] ?? both.en ?? "") : (both ?? ""));

export function say(key, values = {}) {
  const text = texts[chosen]?.[key];
  return text === undefined ? key : fill(text, values);
}

export const has = (key) => texts[chosen]?.[key] !== undefined;

export function fill(text, values) {
  let filled = "";
  let last = 0;
  for (const match of text.matchAll(/\{([^{}]+)\}/g)) {
    filled += text.slice(last, match.index);
    const name = match[1];
    filled += name.includes("/") && !(name in values) ? particle(filled, name) : String(values[name] ?? "");
    last = match.index + match[0].length;
  }
  return filled + text.slice(last);
}

const LAST_SOUND = { 0: 21, 1: 8, 2: 0, 3: 16, 4: 0, 5: 0, 6: 1, 7: 8, 8: 8, 9: 0, l: 8, m: 16, n: 4 };

function particle(before, forms) {
  const [closed, open] = forms.split("/");
  const letter = before.trimEnd().replace(/[)\]'"’”%]+$/u, "").slice(-1).toLowerCase();
  const code = letter.charCodeAt(0);
  const ending = code >= 0xac00 && code <= 0xd7a3 ? (code - 0xac00) % 28 : (LAST_SOUND[letter] ?? 0);
  return ending === 0 || (ending === 8 && closed === "으로") ? open : closed;
}

// Numbers as the documents write them: four digits that count, a true minus sign.
export function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text = size >= 1e5 || size < 1e-4 ? value.toExponential(Math.max(digits - 2, 1)) : String(Number(value.toPrecision(digits)));
  const power = text.match(/^(.*)e([+-]\d+)$/);
  if (power) text = `${power[1]}·10${superscript(Number(power[2]))}`;
  return text.replace(/^-/, "−");
}

const superscript = (power) => [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻").join("");

export const whole = (value) => Math.round(value).toLocaleString("en-US");

export const percent = (share, digits = 1) => `${number(Number((share * 100).toFixed(digits)))} %`;
