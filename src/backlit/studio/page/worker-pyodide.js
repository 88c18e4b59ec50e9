// Python in the browser's worker: Pyodide, NumPy and Backlit, then the same messages as a server's. What it posts is a
// message, a frame as a buffer, or `{status, part, address}` of what it is doing: loading, open, unable.
const HOME = new URL("python/", import.meta.url);
const hurry = new MessageChannel(); // the next turn, after messages that came meanwhile
let python;
let session;
let settings;
let due = false;

const status = (told, part, address = "") => postMessage({ status: told, part, address });

class Missing extends Error {
  constructor(part, address) {
    super(`${part}: ${address}`);
    Object.assign(this, { part, address });
  }
}

async function fetched(part, address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw new Missing(part, address.href);
  return response;
}

const EMPTY_MODULE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0); // of WebAssembly

async function begin() {
  status("loading", "python");
  try {
    new WebAssembly.Module(EMPTY_MODULE); // Pyodide would wait for ever where it is forbidden
  } catch {
    throw new Missing("wasm", "");
  }
  settings = await (await fetched("backlit", new URL("settings.json", HOME))).json();
  const home = new URL(settings.pyodide, HOME);
  const start = new URL("pyodide.mjs", home);
  await fetched("pyodide", start);
  const { loadPyodide } = await import(start.href);
  python = await loadPyodide({ indexURL: home.href });
  status("loading", "numpy");
  for (const library of settings.libraries) await libraryOf(library, home);
  status("loading", "backlit");
  for (const name of settings.wheels) {
    const wheel = await fetched("backlit", new URL(name, HOME));
    python.unpackArchive(await wheel.arrayBuffer(), "wheel");
  }
  session = python.pyimport("backlit.studio.alone").Alone(tell);
  status("open");
}

async function libraryOf(name, home) {
  const quiet = { messageCallback() {}, errorCallback() {} };
  await python.loadPackage(name, quiet).catch(() => null);
  if (!(name in python.loadedPackages)) throw new Missing(name, home.href);
}

// What Python tells: JSON as a text, or a frame as bytes, which are handed over without a copy.
function tell(data) {
  if (typeof data === "string") return postMessage(JSON.parse(data));
  const bytes = data.toJs();
  const { buffer } = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  postMessage(buffer, [buffer]);
}

async function hear(data) {
  if (!session) return;
  if (data instanceof ArrayBuffer) await tablesFor(data);
  session.hear(data instanceof ArrayBuffer ? new Uint8Array(data) : JSON.stringify(data));
  soon();
}

// A table that is dropped needs libraries that nothing else does; where they aren't, the session says so.
async function tablesFor(data) {
  if (!settings.further.length || !isTable(data)) return;
  for (const name of settings.further.splice(0)) await libraryOf(name, HOME).catch(() => null);
}

// Of a frame the header says what it brings.
function isTable(data) {
  try {
    const { type, kind } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, new DataView(data).getUint32(0, true))));
    return type === "upload" && kind === "table";
  } catch {
    return false;
  }
}

function soon() {
  if (due) return;
  due = true;
  hurry.port2.postMessage(null);
}

hurry.port1.onmessage = () => {
  due = false;
  const rest = session.turn(); // seconds, or nothing to do
  if (rest === undefined) return;
  if (rest > 0) setTimeout(soon, 1000 * rest);
  else soon();
};

// Messages are heard one after the other: none overtakes a file that waits for its libraries.
let line = begin().catch((error) => {
  console.warn(error.message);
  status("unable", error.part ?? "python", error.address ?? "");
});
onmessage = ({ data }) => {
  line = line.then(() => hear(data)).catch((error) => console.error(error));
};
