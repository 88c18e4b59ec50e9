// What the page knows, in one place. Elements watch keys of it and are told once an animation frame; whoever changes
// something calls `set`. Frames (forty and more a second) go past Lit: elements that draw listen to them by `onFrame`.

export class Store {
  #watchers = new Map();
  #frameWatchers = new Set();
  #changed = new Set();
  #scheduled = false;

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
