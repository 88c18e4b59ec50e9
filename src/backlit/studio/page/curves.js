// Learning curves by uPlot: the loss of each update, the loss of held-back rows, that of a second network, and where in
// time one is. A click goes there.
import { StudioElement } from "./element.js";
import { html } from "./lit.js";
import { number, say, whole } from "./say.js";

const MOST = 4000; // points that are drawn; of more every other one is dropped
const HEIGHT = 150;
const REST = 60; // milliseconds between two pictures

class Curves extends StudioElement {
  static watches = ["at", "spec", "compare", "logarithmic"];

  #points = []; // {x, train, held, other}, x the number of updates made
  #scheduled = false;

  render() {
    const { logarithmic, compare } = this.state;
    return html`<div class="row spread curves-head"><h3 id="curves-name">${say("curves")}</h3>
      <label class="small"><input type="checkbox" data-do="log" .checked=${logarithmic} @change=${(event) => this.studio.store.set({ logarithmic: event.target.checked })} />${say("logarithmic")}</label></div>
      <div class="plot" role="img" aria-labelledby="curves-name" aria-describedby="curves-told"></div><p id="curves-told" class="unseen">${this.#told()}</p>
      ${compare ? html`<p class="small soft"><span class="swatch other"></span>${say("other-held")}</p>` : ""}`;
  }

  #told() {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    return last ? say("curves-told", { first: number(first.train), last: number(last.train), count: whole(last.x) }) : say("no-curves");
  }

  firstUpdated() {
    this.sizes = new ResizeObserver(() => this.#make());
    this.sizes.observe(this.querySelector(".plot"));
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.theme.addEventListener("change", this);
  }

  handleEvent() {
    this.#make(true);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.sizes?.disconnect();
    this.theme?.removeEventListener("change", this);
    this.plot?.destroy();
    this.plot = null;
  }

  updated() {
    if (this.plot && this.drawnAs !== this.#kind()) this.#make(true);
    if (!this.state.at?.furthest) this.#points = [];
    this.#drawSoon();
  }

  #kind() {
    const { logarithmic, language } = this.state;
    return `${logarithmic} ${language}`;
  }

  #make(anew = false) {
    const box = this.querySelector(".plot");
    const width = Math.floor(box?.clientWidth ?? 0);
    if (!width) return;
    if (this.plot && !anew) return this.plot.setSize({ width, height: HEIGHT });
    this.plot?.destroy();
    const style = getComputedStyle(this);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
    this.drawnAs = this.#kind();
    this.plot = new globalThis.uPlot(
      {
        width,
        height: HEIGHT,
        padding: [6, 16, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: { x: { time: false }, y: { distr: this.state.logarithmic ? 3 : 1 } },
        axes: [
          { ...axis, size: 26, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? whole(tick) : "")) },
          { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick, 3))) },
        ],
        series: [
          {},
          { stroke: colour("--over"), width: 1.5, spanGaps: true, points: { show: first } },
          { stroke: colour("--under"), width: 2, dash: [6, 3], spanGaps: true, points: { show: first } },
          { stroke: colour("--ink"), width: 2, dash: [2, 3], spanGaps: true, points: { show: first } },
        ],
        hooks: { draw: [(plot) => this.#now(plot)] },
      },
      this.#data(),
      box,
    );
    this.plot.over.addEventListener("click", () => this.#go());
  }

  #data() {
    const drawn = this.state.logarithmic ? (value) => (value > 0 ? value : null) : (value) => value;
    const list = (key) => this.#points.map((point) => drawn(point[key]));
    return [this.#points.map(({ x }) => x), list("train"), list("held"), list("other")];
  }

  // The update at which one is: a line, if it isn't the last.
  #now(plot) {
    const { at } = this.state;
    if (!at || at.update >= (this.#points.at(-1)?.x ?? 0)) return;
    const x = plot.valToPos(at.update, "x", true);
    plot.ctx.save();
    plot.ctx.strokeStyle = getComputedStyle(this).color;
    plot.ctx.lineWidth = 2;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.restore();
  }

  #go() {
    const point = this.#points[this.plot.cursor.idx];
    if (point) this.studio.session.ask("seek", { update: point.x });
  }

  frameArrived(frame) {
    const curves = frame.arrays?.curves;
    if (curves) this.#add(curves, frame.arrays["b:curves"], frame.curves_from ?? 0, frame.curves_apart ?? 1);
    this.#drawSoon();
  }

  // No oftener than an eye needs it.
  #drawSoon() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#draw();
    }, REST);
  }

  // Update number `from` and those after it; what was trained anew, after a change in the past, takes the place of what
  // was there.
  #add({ shape, values }, other, from, apart) {
    const kept = this.#points.findIndex(({ x }) => x > from);
    if (kept >= 0) this.#points.length = kept;
    const count = Math.max(shape[0], other?.shape[0] ?? 0); // one of the two may have gone on alone
    for (let i = 0; i < count; i++) {
      this.#points.push({ x: from + (i + 1) * apart, train: finite(values[2 * i]), held: finite(values[2 * i + 1]), other: finite(other?.values[2 * i + 1]) });
    }
    if (this.#points.length > MOST) this.#thin();
  }

  // Half as many, evenly along the run: those of long ago aren't thinned again and again.
  #thin() {
    const points = this.#points;
    const apart = (2 * (points.at(-1).x - points[0].x)) / MOST;
    let last = -Infinity;
    this.#points = points.filter(({ x }, index) => {
      if (x - last < apart && index < points.length - 1) return false;
      last = x;
      return true;
    });
  }

  #draw() {
    if (!this.plot) return this.#make();
    this.plot.setData(this.#data());
  }
}

// A line needs two updates; one is a point.
const first = (plot) => plot.data[0].length === 1;

const finite = (value) => (Number.isFinite(value) ? value : null);

customElements.define("studio-curves", Curves);
