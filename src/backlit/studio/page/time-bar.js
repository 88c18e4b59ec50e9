// Time: play, one update, one epoch, back and forth, the rate.
import { StudioElement } from "./element.js";
import { html, live } from "./lit.js";
import { announce } from "./announce.js";
import { icon } from "./icons.js";
import { number, say, whole } from "./say.js";
import { changed, shownSpec } from "./side.js";
import { part } from "./part.js";

const SPEEDS = [1, 5, 20, 100, 0];
export const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

class TimeBar extends StudioElement {
  static watches = ["at", "spec", "connection", "speed", "compare", "side", "assignment"];

  #seeking = false;
  #wanted = null;

  render() {
    const { at, spec, connection } = this.state;
    const off = connection !== "open" || !at;
    const time = at ?? { update: 0, epoch: 0, furthest: 0, updates_per_epoch: 1, playing: false, speed: 1 };
    const rate = rateAt(shownSpec(this.state), time.update);
    const end = Math.max(time.furthest, time.update, 1);
    return html`
      <div class="time" role="group" aria-label=${say("time")}>
        <div class="row time-buttons">
          <button class="main play" ?disabled=${off} @click=${() => this.toggle()} title=${say("play-key")}>
            ${icon(time.playing ? "pause" : "play")} ${say(time.playing ? "pause" : "play")}
          </button>
          <button data-do="update" ?disabled=${off} @click=${() => this.step({ updates: 1 })} title=${say("update-key")}>${say("one-update")}</button>
          <button data-do="epoch" ?disabled=${off} @click=${() => this.step({ epochs: 1 })} title=${say("epoch-key")}>${say("one-epoch")}</button>
          <button data-do="reset" ?disabled=${off || time.furthest === 0} @click=${() => this.studio.session.ask("reset")}>${say("reset")}</button>
        </div>
        <div class="time-line">
          <div class="time-told">
            <span><b class="n" data-told="update">${whole(time.update)}</b> ${say(time.update === 1 ? "update" : "updates")}</span>
            <span class="soft">${say("epoch")} <span class="n">${number(time.epoch, 4)}</span></span>
          </div>
          <input type="range" data-do="seek" min="0" .max=${String(end)} step="1" .value=${live(String(this.#wanted ?? time.update))}
            ?disabled=${off || time.furthest === 0} aria-label=${say("seek")}
            aria-valuetext=${say("at-update", { count: whole(time.update) })}
            @input=${(event) => this.seek(Number(event.target.value))} />
        </div>
        <div class="row time-numbers">
          <label class="field">${say("speed")}
            <select data-do="speed" ?disabled=${off} @change=${(event) => this.speed(Number(event.target.value))}>
              ${SPEEDS.map((speed) => html`<option value=${speed} ?selected=${speed === (time.playing ? time.speed : this.state.speed)}>${speed ? say("per-frame", { count: speed }) : say("fastest")}</option>`)}
            </select>
          </label>
          ${part(this.state, "rate", html`<label class="field">${say("learning-rate")}
            <select data-do="rate" ?disabled=${off || !spec} @change=${(event) => this.rate(Number(event.target.value))}>
              ${this.#rates(rate).map((one) => html`<option value=${one} ?selected=${one === rate}>${number(one)}</option>`)}
            </select>
          </label>`)}
        </div>
      </div>`;
  }

  #rates(own) {
    return own === undefined || RATES.includes(own) ? RATES : [...RATES, own].sort((a, b) => a - b);
  }

  toggle() {
    const { at, speed } = this.state;
    this.studio.session.ask(at?.playing ? "pause" : "play", at?.playing ? {} : { speed });
    announce(say(at?.playing ? "paused-told" : "playing-told"));
  }

  async step(how) {
    await this.studio.session.ask("step", how);
    this.tellTime();
  }

  tellTime() {
    const { at, frames } = this.state;
    announce(say("time-told", { count: whole(at.update), loss: number(frames?.a?.loss) }));
  }

  speed(speed) {
    this.studio.store.set({ speed });
    if (this.state.at.playing) this.studio.session.ask("play", { speed });
  }

  rate(value) {
    this.studio.session.ask("rate", { value, ...changed(this.state) });
  }

  // While one state is computed again the slider moves on; only the last place that it reached is asked for.
  async seek(update) {
    this.#wanted = update;
    if (this.#seeking) return;
    this.#seeking = true;
    let last = null;
    while (this.#wanted !== last) {
      last = this.#wanted;
      await this.studio.session.ask("seek", { update: last });
    }
    this.#seeking = false;
    this.#wanted = null;
    this.requestUpdate();
  }
}

// The rate that the next update takes: that of the beginning, or what it was changed to on the way.
export function rateAt(spec, update) {
  const changes = (spec?.history ?? []).filter((change) => change.do === "rate" && change.at <= update);
  return changes.at(-1)?.value ?? spec?.training?.rate;
}

customElements.define("studio-time", TimeBar);
