// How messages travel. A transport has `send(message, arrays)`, `close()`, and calls `onMessage` with what arrives (frames
// decoded) and `onStatus` with "connecting", "open", "lost" or "refused". Three ways with the same messages: a websocket,
// a worker, and a recording that is played.
import { decodeFrame, encodeFrame } from "./frames.js";

const LONGEST_WAIT = 5000; // milliseconds between two tries to connect
const PATIENCE = 5; // tries after which the session is taken to be gone
const REFUSED = [1008, 4403, 4429]; // codes by which it closes for good
const RESTING = 4408; // nobody did anything for long: the session rests until someone wants it

export class SocketTransport {
  keeps = true; // the session is there still when the page is loaded again
  #socket;
  #tries = 0;
  #closed = false;
  #timer;

  // `opened`: a socket that was opened before; nothing comes by it until it is spoken to.
  constructor(address, { onMessage, onStatus }, opened = undefined) {
    this.address = address;
    this.onMessage = onMessage;
    this.onStatus = onStatus;
    this.#connect(opened?.readyState <= WebSocket.OPEN ? opened : undefined);
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  #connect(socket = new WebSocket(this.address)) {
    if (this.#tries === 0) this.onStatus("connecting");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#tries = 0;
      this.onStatus("open");
    };
    socket.onmessage = ({ data }) => this.onMessage(typeof data === "string" ? JSON.parse(data) : decodeFrame(data));
    socket.onclose = ({ code, reason }) => {
      if (this.#closed || socket !== this.#socket) return;
      if (REFUSED.includes(code)) return this.onStatus("refused", reason);
      if (code === RESTING) return this.onStatus("resting");
      this.onStatus(this.#tries < PATIENCE ? "lost" : "gone");
      if (this.#tries >= PATIENCE) this.#stranger();
      this.#timer = setTimeout(() => this.#connect(), Math.min(LONGEST_WAIT, 250 * 2 ** this.#tries++));
    };
    this.#socket = socket;
    if (socket.readyState === WebSocket.OPEN) queueMicrotask(socket.onopen); // who makes this has to have it first
  }

  // A studio that was started anew doesn't know the page any more, but it answers.
  async #stranger() {
    const answer = await fetch(location.pathname).catch(() => null);
    if (answer?.status !== 403 || this.#closed) return;
    clearTimeout(this.#timer);
    this.#closed = true;
    this.onStatus("stranger");
  }

  // A tab that wakes up doesn't wait for the next try.
  #hurry() {
    if (this.#closed || this.#socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  send(message, arrays) {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(arrays ? encodeFrame(message, arrays) : JSON.stringify(message));
    return true;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}

// A worker, or a port to the kernel of a notebook, that answers as the server does: it posts objects, frames as buffers, and `{status, part, address}` of how it is.
export class WorkerTransport {
  constructor(worker, { onMessage, onStatus }) {
    this.worker = worker;
    worker.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) return onMessage(decodeFrame(data));
      if (!data.status) return onMessage(data);
      this.open = data.status === "open";
      onStatus(data.status, { part: data.part, address: data.address });
    };
    worker.onerror = ({ message }) => onStatus("refused", message);
    onStatus("loading");
  }

  send(message, arrays) {
    if (!this.open) return false;
    const frame = arrays && encodeFrame(message, arrays);
    this.worker.postMessage(frame || message, frame ? [frame] : []);
    return true;
  }

  close() {
    this.worker.terminate();
  }
}

// A recording: for each type of message asked, what was told. `{answers: {hello: [message, …]}}`; frames have their
// arrays as plain lists.
export class RecordedTransport {
  constructor(recording, { onMessage, onStatus }) {
    this.recording = recording;
    this.asked = [];
    this.onMessage = onMessage;
    setTimeout(() => onStatus("open"), 0);
  }

  send(message) {
    this.asked.push(message);
    for (const answer of this.recording.answers[message.type] ?? []) {
      setTimeout(() => this.onMessage(decodeFrame(encodeFrame({ ...answer, id: message.id }, answer.lists ?? {}))), 0);
    }
    return true;
  }

  close() {}
}
