// Start: texts, the store, the session, and what several parts of the page do together.
import { opened, server } from "./early.js";
import "./app.js";
import { provide } from "./element.js";
import { leadTo } from "./lead.js";
import { keep, keptBefore, remember, remembered } from "./keeping.js";
import { readLink } from "./link.js";
import { chooseLanguage, LANGUAGES, loadTexts } from "./say.js";
import { Session } from "./session.js";
import { Store } from "./store.js";
import { RecordedTransport, SocketTransport, WorkerTransport } from "./transport.js";
import { weightName } from "./chosen.js";
import { fitting, isText } from "./recurrent.js";

const LANGUAGE_KEY = "backlit-studio-language";
const PATIENCE = 150; // milliseconds that a session is waited for, so that the page is drawn once, with all that there is
const HAND_ROWS_APART = 0.03; // of the plane: rows that are painted with the mouse held down

function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered(LANGUAGE_KEY);
  if (asked in LANGUAGES) return asked;
  return navigator.languages?.some((code) => code.startsWith("ko")) ? "ko" : "en";
}

// What a page made of files sets before this module runs: how to reach a session without a server.
async function connection() {
  const { worker, recording, port } = globalThis.backlitStudio ?? {};
  if (port) {
    const handed = await port; // in a notebook, by the frame around the page
    return (handlers) => new WorkerTransport(handed, handlers);
  }
  if (recording) return (handlers) => new RecordedTransport(recording, handlers);
  if (worker) return (handlers) => new WorkerTransport(worker(), handlers);
  return (handlers) => new SocketTransport(server, handlers, opened);
}

class Studio {
  constructor(store, connect) {
    this.store = store;
    this.session = new Session(store, connect);
    store.watch(["at", "layers"], (changed) => this.#timeMoved(changed));
    store.watch(["at", "spec", "assignment"], () => this.#keep());
  }

  // Begin an exercise, or a task as a link holds it.
  async beginTask(task) {
    this.store.set({ checked: null, helped: {}, row: null, drawing: false, side: "a" });
    const answer = await this.session.ask("assign", { task });
    if (answer) leadTo("studio-task h2");
  }

  choose(place) {
    this.store.set({ chosen: place, tab: this.store.state.tab === "numbers" ? "numbers" : "numbers", belowOpen: true });
    this.explain();
  }

  chooseRow(row) {
    this.store.set({ row });
    if (isText(this.store.state)) this.session.look();
    this.explain();
  }

  // Numbers of what is chosen. While it plays they are asked for anew now and then, in a pause at once.
  async explain() {
    const { chosen, row, side } = this.store.state;
    if (!chosen || chosen.source) return this.store.set({ explained: null });
    if (this.explaining) return (this.stale = true);
    this.explaining = true;
    const what = chosen.input === undefined || chosen.input === null ? { layer: chosen.layer, unit: chosen.unit, ...(chosen.gate ? { gate: chosen.gate } : {}) } : { weight: weightName(chosen) };
    await this.session.ask("explain", { ...what, ...(row === null ? {} : { row }), ...(side === "b" ? { side } : {}) });
    this.explaining = false;
    if (this.stale) {
      this.stale = false;
      this.explain();
    }
  }

  // What is seen is kept in the browser, for the case that the studio was stopped and is started again.
  #keep() {
    const { spec, at, kept, assignment } = this.store.state;
    if (this.fresh === undefined && spec && at) {
      this.fresh = at.furthest === 0 && !spec.history.length && !this.store.state.link && !assignment && !this.store.state.embedded;
      if (this.fresh) this.store.set({ kept: keptBefore(spec) });
    }
    if (!spec || !at || at.playing || this.store.state.embedded) return;
    if (at.furthest > 0 || spec.history.length || assignment) {
      keep({ ...spec, at: at.update }, assignment?.task);
      if (kept) this.store.set({ kept: null });
    }
  }

  bringBack() {
    const { kept } = this.store.state;
    this.store.set({ kept: null });
    return this.session.open({ ...kept.state, task: kept.task });
  }

  #timeMoved(changed) {
    const { at, chosen, layers } = this.store.state;
    if (changed.has("layers") && chosen && !fitsIn(chosen, layers)) this.store.set({ chosen: null, explained: null });
    if (!at || !this.store.state.chosen) return;
    const now = performance.now();
    if (at.playing && now - (this.explainedAt ?? 0) < 400) return;
    if (at.update === this.explainedUpdate && !changed.has("layers")) return;
    this.explainedAt = now;
    this.explainedUpdate = at.update;
    this.explain();
  }

  language(code) {
    chooseLanguage(code);
    if (!this.store.state.embedded) remember(LANGUAGE_KEY, code);
    this.store.set({ language: code });
  }

  // Which panels are open decides what frames carry.
  look(panels) {
    this.store.set({ panels });
    this.session.look();
  }

  // Rows put down by hand are sent together, when the hand rests.
  addPoint(x, y, label, held = false) {
    const { drawn, data } = this.store.state;
    const last = drawn.at(-1);
    const [[left, right], [low, high]] = data.range;
    if (held && last && Math.hypot((last[0] - x) / (right - left), (last[1] - y) / (high - low)) < HAND_ROWS_APART) return;
    this.store.set({ drawn: [...drawn, [x, y, label]] });
    clearTimeout(this.drawTimer);
    this.drawTimer = setTimeout(() => this.sendDrawn(), 250);
  }

  sendDrawn() {
    const { drawn } = this.store.state;
    if (drawn.length < 2) return null;
    const points = drawn.map(([x, y, label]) => [round(x), round(y), label]);
    return this.session.configure(fitting(this.store.state, { name: "points", points }, false));
  }
}

const round = (value) => Math.round(value * 1000) / 1000;

function fitsIn({ layer, unit, input, from, kind }, layers) {
  const at = layers.findIndex(({ path }) => path === layer);
  if (at < 0 || unit >= layers[at].units || (kind && kind !== layers[at].kind)) return false;
  return input === undefined || input === null || input < layers[from === "state" ? at : at - 1]?.units;
}

async function start() {
  await loadTexts();
  const code = firstLanguage();
  // The token was changed for a cookie; whoever looks at the screen needn't see it.
  if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname + location.hash);
  chooseLanguage(code);
  const store = new Store({
    language: code, connection: "connecting", connectionReason: "", catalog: null, limits: null, spec: null, at: null, layers: null, notes: [],
    compare: null, side: "a", data: null, frames: {}, chosen: null, row: null, explained: null, walk: null, findings: null, spotted: [],
    judged: null, code: null, uploaded: null, surface: null, said: null, step: null, drawnNetwork: null, askedNetwork: null, scene: null, pictured: null, mistaken: null, drawnPicture: null, pad: null, orders: {}, messages: [], drawing: false, brush: 0, speed: 1, drawn: [], logarithmic: false,
    both: false, assignment: null, checked: null, helped: {}, shared: null, kept: null, refused: undefined,
    tab: "numbers", mode: "studio", panels: ["boundary", "units", "weights", "curves", "doctor"], grid: 60, link: readLink(location.hash), planted: false,
    embedded: Boolean(globalThis.backlitStudio?.port), // in a notebook: no address, nothing kept
  });
  const studio = new Studio(store, await connection());
  provide(studio);
  globalThis.studio = studio; // for a person with the console open, and for tests
  await Promise.race([store.firstFrame(), new Promise((over) => setTimeout(over, PATIENCE))]);
  for (const app of document.querySelectorAll("studio-app")) app.begin();
  store.shown();
}

start();
