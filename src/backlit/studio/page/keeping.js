// What a page keeps in the browser: what was seen last. Should the studio be stopped and started again, or the browser
// crash, it can be had back, with the task that one was at. Data of files isn't kept: they are with the person.
const KEY = "backlit-studio-kept";
const REST = 500; // milliseconds

let timer = null;

export function keep(state, task = null) {
  if (state.data.name === "file") return;
  clearTimeout(timer);
  timer = setTimeout(() => write(state, task), REST);
}

function write(state, task) {
  remember(KEY, JSON.stringify({ when: Date.now(), state, task }));
}

export function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    // A browser that keeps nothing: then nothing is kept.
  }
}

export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// What was kept, if it is anything else than what is there.
export function keptBefore(spec) {
  try {
    const kept = JSON.parse(remembered(KEY));
    if (!kept?.state?.data) return null;
    if (!kept.task && JSON.stringify({ ...kept.state, at: 0 }) === JSON.stringify({ ...spec, at: 0 })) return null;
    return kept;
  } catch {
    return null;
  }
}
