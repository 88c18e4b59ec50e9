// What changes without a click is told to screen readers, at most once in a while: they read slower than frames come.
const PAUSE = 1500; // milliseconds

let waiting = "";
let timer = null;

export function announce(text) {
  waiting = text;
  timer ??= setTimeout(() => {
    timer = null;
    const place = document.getElementById("announcements");
    if (place) place.textContent = waiting;
  }, document.getElementById("announcements")?.textContent ? PAUSE : 0);
}
