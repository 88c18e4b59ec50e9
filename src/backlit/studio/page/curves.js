// Learning curves by uPlot: the loss of each update, the loss of held-back rows, and where in time one is.
import { StudioElement } from "./element.js";
import { html } from "./lit.js";
import { number, say } from "./say.js";

const MOST = 20_000; // points; beyond them every other one is dropped

class Curves extends StudioElement {
  static watches = ["at", "spec", "compare", "logarithmic"];

  #x = [];
  #train = [];
  #held = [];
  #until = 0;
  #scheduled = false;

  render() {
    const { logarithmic } = this.state;
    return html`<div class="row spread curves-head"><h3 id="curves-name">${say("curves")}</h3>
      <label class="small"><input type="checkbox" data-do="log" .checked=${logarithmic} @change=${(event) => this.studio.store.set({ logarithmic: event.target.checked })} />${say("logarithmic")}</label></div>
      <div class="plot" role="img" aria-labelledby="curves-name" aria-describedby="curves-told"></div><p id="curves-told" class="unseen">${this.#told()}</p>`;
  }

  #told() {
    const last = this.#train.length - 1;
    return last < 0 ? say("no-curves") : say("curves-told", { first: number(this.#train[0]), last: number(this.#train[last]), count: this.#x[last] });
  }

  firstUpdated() {
    this.sizes = new ResizeObserver(() => this.#make());
    this.sizes.observe(this.querySelector(".plot"));
    this.theme = () => this.#make(true);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.theme);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.sizes?.disconnect();
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.theme);
  }

  updated(changed) {
    if (this.plot && this.drawnAs !== this.#kind()) this.#make(true);
    if (!this.state.at?.furthest) this.#forget();
    this.#draw();
  }

  #kind() {
    const { logarithmic, language } = this.state;
    return `${logarithmic} ${language}`;
  }

  #forget() {
    this.#x = [];
    this.#train = [];
    this.#held = [];
    this.#until = 0;
  }

  #make(anew = false) {
    const box = this.querySelector(".plot");
    const width = Math.floor(box.clientWidth);
    if (!width) return;
    if (this.plot && !anew) return this.plot.setSize({ width, height: 150 });
    this.plot?.destroy();
    const style = getComputedStyle(this);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
    this.drawnAs = this.#kind();
    this.plot = new globalThis.uPlot(
      {
        width,
        height: 150,
        padding: [6, 8, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: { x: { time: false }, y: { distr: this.state.logarithmic ? 3 : 1 } },
        axes: [
          { ...axis, size: 26, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick.toLocaleString("en-US") : "")) },
          { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick, 3))) },
        ],
        series: [{}, { stroke: colour("--over"), width: 1.5, spanGaps: true }, { stroke: colour("--under"), width: 2, dash: [6, 3], spanGaps: true }],
        hooks: { draw: [(plot) => this.#now(plot)] },
      },
      this.#data(),
      box,
    );
    this.plot.over.addEventListener("click", () => this.#go());
  }

  #data() {
    const positive = this.state.logarithmic ? (values) => values.map((value) => (value > 0 ? value : null)) : (values) => values;
    return [this.#x, positive(this.#train), positive(this.#held)];
  }

  // The update at which one is: a line, if it isn't the last.
  #now(plot) {
    const { at } = this.state;
    if (!at || at.update >= (this.#x.at(-1) ?? 0)) return;
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
    const index = this.plot.cursor.idx;
    if (index !== null && index !== undefined && this.#x[index] !== undefined) this.studio.session.ask("seek", { update: this.#x[index] });
  }

  frameArrived(frame) {
    const curves = frame.arrays?.curves;
    if (!curves) return;
    const first = frame.curves_from ?? this.#until + 1;
    while (this.#x.length && this.#x.at(-1) >= first) for (const list of [this.#x, this.#train, this.#held]) list.pop();
    for (let i = 0; i < curves.shape[0]; i++) {
      const [loss, held] = [curves.values[2 * i], curves.values[2 * i + 1]];
      this.#x.push(first + i);
      this.#train.push(Number.isFinite(loss) ? loss : null);
      this.#held.push(Number.isFinite(held) ? held : null);
    }
    this.#until = this.#x.at(-1) ?? 0;
    if (this.#x.length > MOST) for (const name of ["x", "train", "held"]) this.#thin(name);
    if (!this.#scheduled) {
      this.#scheduled = true;
      setTimeout(() => {
        this.#scheduled = false;
        this.#draw();
      }, 60);
    }
  }

  #thin(name) {
    const half = (list) => list.filter((_, index) => index % 2 === 0 || index === list.length - 1);
    if (name === "x") this.#x = half(this.#x);
    else if (name === "train") this.#train = half(this.#train);
    else this.#held = half(this.#held);
  }

  #draw() {
    if (!this.plot) return this.querySelector(".plot") && this.#make();
    this.plot.setData(this.#data());
  }
}

customElements.define("studio-curves", Curves);
