// Whoever chose something below is led to where it shows: to the title, with keyboard and screen.
export function leadTo(selector) {
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const title = document.querySelector(selector);
    title?.focus({ preventScroll: true });
    title?.closest("section").scrollIntoView({ block: "start" });
  }));
}
