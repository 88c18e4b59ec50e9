// The way to a server, opened before the page's other modules are read: both take their time.

const { worker, recording, port } = globalThis.backlitStudio ?? {};

function address() {
  const found = new URL("ws", location.href);
  found.protocol = found.protocol === "https:" ? "wss:" : "ws:";
  found.search = "";
  found.hash = "";
  return found;
}

export const server = worker || recording || port ? null : address();
export const opened = server && new WebSocket(server);
