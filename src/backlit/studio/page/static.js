// A page made of files: the session runs in this browser, in a worker. Loaded before main.js, which asks for it.
const address = new URL("worker-pyodide.js", import.meta.url);
globalThis.backlitStudio = { worker: () => new Worker(address, { type: "module" }) };
