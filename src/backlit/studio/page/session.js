// The conversation with the session: what is asked, and what its answers change in the store.
import { announce } from "./announce.js";
import { VERSION, wrong } from "./protocol.js";
import { isText } from "./recurrent.js";
import { language, say, told } from "./say.js";
import { ofShown } from "./side.js";

const MOVES = ["step", "play", "seek"]; // done, they show that what couldn't be done before can be now
const ANSWER_WITHIN = 30_000; // milliseconds

export class Session {
  #next = 1;
  #waiting = new Map();
  #greeted = false;

  constructor(store, connect) {
    this.store = store;
    this.transport = connect({
      onMessage: (message) => this.receive(message),
      onStatus: (status, reason) => this.#status(status, reason),
    });
  }

  // Ask, and have the answer: a promise of the message that carries the same id. What can't be done is shown and null.
  // Whoever asks by itself, not for a person, is quiet.
  ask(type, parts = {}, arrays = undefined, quiet = false) {
    const id = this.#next++;
    if (!this.transport.send({ type, id, ...parts }, arrays)) {
      if (!quiet) this.#tell(say("not-connected"));
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), ANSWER_WITHIN);
      this.#waiting.set(id, { resolve, timer, quiet });
    });
  }

  #answer(id, message) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    waiting.resolve(message);
  }

  receive(message) {
    const fault = wrong(message, "tell");
    if (fault) return console.error(fault, message);
    const act = RECEIVERS[message.type];
    const overheard = message.type === "error" && this.#waiting.get(message.id)?.quiet;
    if (act && !overheard) act.call(this, message);
    if (message.id !== undefined && message.id !== null) this.#answer(message.id, message.type === "error" ? null : message);
  }

  #status(status, reason) {
    this.store.set({ connection: status, connectionReason: reason ?? "" });
    if (status === "open") this.#hello();
    if (status === "lost" || status === "gone") {
      for (const id of [...this.#waiting.keys()]) this.#answer(id, null);
      announce(say(`connection-${status}`));
    }
  }

  async #hello() {
    await this.ask("hello", { version: VERSION, language: language() });
    this.look();
    const { link } = this.store.state;
    if (link && !this.#greeted) {
      await this.open(link);
      // The session has it now: who loads the page again comes back to where it was, not to where the link begins.
      if (this.transport.keeps) history.replaceState(null, "", location.pathname);
    }
    this.#greeted = true;
  }

  // A link: a state, or a task with the state that it begins with or that someone has reached in it.
  open({ task, ...state }) {
    if (!task) return this.ask("configure", { state });
    return this.ask("assign", { task, ...(Object.keys(state).length ? { state } : {}) });
  }

  // What frames carry follows from what is open on the page.
  look() {
    const { panels, grid, row, data } = this.store.state;
    this.ask("look", { panels: [...panels], grid, ...(isText({ data }) ? { row } : {}), ...ofShown(this.store.state) });
  }

  configure(part) {
    return this.ask("configure", { state: part });
  }

  #tell(text, kind = "error") {
    const key = this.#next++;
    const messages = [...this.store.state.messages.filter((old) => old.text !== text), { key, text, kind }].slice(-3);
    this.store.set({ messages });
    announce(text);
  }

  tell(text, kind = "note") {
    this.#tell(text, kind);
  }

  frame(message) {
    const { store } = this;
    const { at } = store.state;
    const { update, epoch, playing, findings, diverged } = message;
    const furthest = Math.max(at?.furthest ?? 0, update);
    store.frameArrived(message);
    store.set({ at: { ...at, update, epoch, playing, furthest }, ...(findings ? { spotted: findings } : {}) });
    if (diverged && !store.state.diverged) this.#tell(told(diverged), "warning");
    const other = message.compare?.diverged ?? null;
    if (other && !store.state.otherDiverged) this.#tell(`${say("other-network")}: ${told(other)}`, "warning");
    store.set({ otherDiverged: other });
    store.set({ diverged: diverged ?? null });
    store.afterDrawing(() => this.transport.send({ type: "seen", frame: message.frame }));
  }
}

const RECEIVERS = {
  welcome({ version, catalog, limits, backlit }) {
    this.store.set({ catalog, limits, backlit, serverVersion: version });
  },
  // Something has changed: what was said of before doesn't hold any more.
  state({ state, at, layers, notes, compare, planted, assignment }) {
    const side = compare ? this.store.state.side : "a";
    this.store.set({ spec: state, at, layers, notes, compare: compare ?? null, planted, assignment: assignment ?? null, side, messages: [] });
  },
  checked(message) {
    const { assignment } = this.store.state;
    this.store.set({ checked: message, ...(assignment ? { assignment: { ...assignment, solved: message.solved } } : {}) });
  },
  helped(message) {
    this.store.set({ helped: { ...this.store.state.helped, [message.of]: message } });
  },
  shared(message) {
    this.store.set({ shared: message });
  },
  data(message) {
    this.store.set({ data: message });
  },
  frame(message) {
    this.frame(message);
  },
  error({ what, field }) {
    this.store.set({ wrongField: field ?? null, refused: performance.now() });
    this.tell(told(what), "error");
  },
  note({ what }) {
    this.tell(told(what), "note");
  },
  explained(message) {
    this.store.set({ explained: message });
  },
  walked(message) {
    this.store.set({ walk: message });
  },
  pulled(message) {
    this.store.set({ pulled: message });
  },
  pictured(message) {
    this.store.set({ pictured: message });
  },
  mistaken(message) {
    this.store.set({ mistaken: message });
  },
  surface(message) {
    this.store.set({ surface: message });
  },
  findings(message) {
    this.store.set({ findings: message.findings });
  },
  judged(message) {
    this.store.set({ judged: message });
  },
  code(message) {
    this.store.set({ code: message });
  },
  uploaded(message) {
    this.store.set({ uploaded: message });
  },
  drawn(message) {
    this.store.set(message.depth === "layers" ? { scene: message } : { drawnNetwork: message });
  },
  said(message) {
    this.store.set({ said: message });
  },
  done({ asked, at }) {
    if (at) this.store.set({ at });
    if (MOVES.includes(asked)) this.store.set({ messages: this.store.state.messages.filter(({ kind }) => kind !== "error") });
  },
};
