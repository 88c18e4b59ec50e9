// What the page knows, in one place. Elements watch keys of it and are told once an animation frame; whoever changes
// something calls `set`. Frames (forty and more a second) go past Lit: elements that draw listen to them by `onFrame`.

export class Store {
  #watchers = new Map();
  #frameWatchers = new Set();
  #changed = new Set();
  #scheduled = false;
  #early = []; // frames that came before there was anyone to draw them; null once there is
  #seen = [];
  #whenFrame;

  constructor(initial) {
    this.state = initial;
  }

  set(patch) {
    for (const [key, value] of Object.entries(patch)) {
      if (Object.is(this.state[key], value)) continue;
      this.state[key] = value;
      this.#changed.add(key);
    }
    if (this.#changed.size && !this.#scheduled) {
      this.#scheduled = true;
      soon(() => this.#tell());
    }
  }

  // When the first frame is there.
  firstFrame() {
    return new Promise((told) => (this.#whenFrame = told));
  }

  // Those who draw are there once the page has been shown: frames that came before are theirs, too.
  shown() {
    soon(() => {
      const early = this.#early;
      this.#early = null;
      for (const [frame, side] of early) this.#draw(frame, side);
      soon(() => this.#seen.splice(0).forEach((tell) => tell()));
    });
  }

  // When what has come so far was drawn: at once, but for the first.
  afterDrawing(tell) {
    if (this.#early) this.#seen.push(tell);
    else tell();
  }

  watch(keys, tell) {
    this.#watchers.set(tell, keys);
    return () => this.#watchers.delete(tell);
  }

  onFrame(tell) {
    this.#frameWatchers.add(tell);
    return () => this.#frameWatchers.delete(tell);
  }

  frameArrived(frame) {
    const side = frame.side ?? "a";
    this.state.frames = { ...this.state.frames, [side]: frame };
    if (this.#early) this.#early.push([frame, side]);
    else this.#draw(frame, side);
    this.#whenFrame?.();
  }

  #draw(frame, side) {
    for (const tell of [...this.#frameWatchers]) tell(frame, side);
  }

  #tell() {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#scheduled = false;
    for (const [tell, keys] of [...this.#watchers]) if (keys.some((key) => changed.has(key))) tell(changed);
  }
}

// A hidden tab has no animation frames; it must hear of things all the same.
const soon = (act) => (document.hidden ? setTimeout(act, 0) : requestAnimationFrame(act));
