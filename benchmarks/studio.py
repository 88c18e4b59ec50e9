"""The studio in headless Chromium: frames a second, updates a frame, time to the first picture, clicks, memory, bytes.

Each figure stands beside its aim. Wall time depends on who else is on the machine; the processor time of server and
page for each frame doesn't, as much. `--seconds N` for each look at frames (8), `--memory N` at memory (180).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--js-flags=--expose-gc"]
VIEW = {"width": 1366, "height": 900}
SECONDS, MEMORY_SECONDS, SAMPLES = 8.0, 180.0, 18
CLICKS = 20
SMALL = {"layers": [{"units": 8, "activation": "tanh"}, {"units": 8, "activation": "tanh"}]}
LARGE = {"layers": [{"units": 64, "activation": "tanh"}, {"units": 64, "activation": "tanh"}]}
TICKS = os.sysconf("SC_CLK_TCK")
WATCH = """() => {
  const {frames} = studio.store.state;
  const seen = {frames: 0, painted: 0, gap: 0, task: 0, begin: performance.now(), from: frames.a.update};
  let last = performance.now(), shown = null;
  const stop = studio.store.onFrame(() => seen.frames++);
  const turn = (now) => {
    seen.gap = Math.max(seen.gap, now - last);
    last = now;
    const {frame} = studio.store.state.frames.a;
    if (frame !== shown) seen.painted++;
    shown = frame;
    if (!seen.over) requestAnimationFrame(turn);
  };
  requestAnimationFrame(turn);
  const tasks = new PerformanceObserver((list) => {
    for (const {duration} of list.getEntries()) seen.task = Math.max(seen.task, duration);
  });
  tasks.observe({entryTypes: ["longtask"]});
  globalThis.watched = () => {
    seen.over = true;
    stop();
    tasks.disconnect();
    const updates = studio.store.state.frames.a.update - seen.from;
    return {...seen, seconds: (performance.now() - seen.begin) / 1000, updates};
  };
}"""
CLICK = """async (name) => {
  const {state} = studio.store;
  const before = state.explained;
  const begin = performance.now();
  document.querySelector(`[data-edge="${name}"]`).dispatchEvent(new MouseEvent("click", {bubbles: true}));
  const there = () => state.explained !== before && document.querySelector('[data-told="weight"]');
  while (!there()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""
PAINTED = """() => {
  const canvas = document.querySelector('[data-plane="a"]');
  if (!globalThis.studio?.store.state.frames.a || !canvas?.width) return false;
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(data.buffer);
  return pixels.some((pixel) => pixel !== pixels[0]);
}"""


class Server:
    """`backlit studio` in a process of its own, perhaps with further options."""

    def __init__(self, environment: dict[str, str] | None = None, *options: str) -> None:
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "backlit", "studio", "--no-browser", "--port", "0", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if "http" in line), "")
        self.address = next((word for word in line.split() if word.startswith("http")), "")
        if not self.address:
            sys.exit("the studio didn't start")

    def seconds(self) -> float:
        """Of processors, since it began."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / TICKS

    def memory(self) -> float:
        """MiB that it holds."""
        line = next(x for x in Path(f"/proc/{self.process.pid}/status").read_text().splitlines() if "VmRSS" in x)
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)


def launched(playwright: Any) -> Any:
    """The system's Chromium, without a window."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    return playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@contextlib.contextmanager
def opened(browser: Any, server: Server) -> Iterator[tuple[Any, float]]:
    """A page of the studio whose first picture is there, and seconds until then from the server's start."""
    context = browser.new_context(viewport=VIEW, locale="en")
    page = context.new_page()
    page.goto(server.address, wait_until="commit")
    page.wait_for_function(PAINTED, polling="raf")  # in the page: asking again and again takes its time
    yield page, time.perf_counter() - server.begun
    context.close()


def first_pictures(browser: Any) -> dict[str, float]:
    """Seconds from the command to the first picture, with caches empty and full."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="backlit-bench-") as cache:
        for name in ("cold", "warm"):
            rounds = []
            for _ in range(1 if name == "cold" else 3):
                server = Server({"XDG_CACHE_HOME": cache})
                try:
                    with opened(browser, server) as (page, seconds):
                        rounds.append(seconds)
                        page.wait_for_timeout(3000 if name == "cold" else 0)  # it compiles while one looks around
                finally:
                    server.close()
            found[name] = statistics.median(rounds)
    return found


def configured(page: Any, network: dict[str, Any]) -> None:
    """The network built, all panels open."""
    page.evaluate("(network) => studio.session.configure({network})", network)
    page.locator('[data-tab="inside"]').click()
    page.wait_for_timeout(1500)


def duration(session: Any) -> dict[str, float]:
    """Seconds that the page's main thread was busy so far."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {name: metrics[f"{name}Duration"] for name in ("Task", "Script", "Layout", "RecalcStyle")}


def playing(page: Any, server: Server, seconds: float) -> dict[str, Any]:
    """Frames and updates while it trains as fast as it can."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # of processors
    page.evaluate("() => studio.session.ask('play', {speed: 0})")
    page.wait_for_timeout(1500)
    busy, used = duration(session), server.seconds()
    page.evaluate(WATCH)
    page.wait_for_timeout(seconds * 1000)
    found: dict[str, Any] = page.evaluate("() => watched()")
    busy = {name: value - busy[name] for name, value in duration(session).items()}
    used = server.seconds() - used
    page.evaluate("() => studio.session.ask('pause')")
    frames = max(found["painted"], 1)
    return {
        "frames a second": found["painted"] / found["seconds"],
        "updates a frame": found["updates"] / frames,
        "longest gap, ms": found["gap"],
        "longest task, ms": found["task"],
        "server a frame, processor ms": used / frames * 1e3,
        "page's main thread a frame, processor ms": busy["Task"] / frames * 1e3,
        "of it script, layout, style, ms": " + ".join(
            f"{busy[name] / frames * 1e3:.2f}" for name in ("Script", "Layout", "RecalcStyle")
        ),
    }


def clicks(page: Any) -> tuple[float, float]:
    """Milliseconds from a click on an edge to its numbers: median and greatest."""
    names = [f"2/{unit}/{source}" for unit in range(8) for source in range(8)][:CLICKS]
    times = [page.evaluate(CLICK, name) for name in names]
    return statistics.median(times), max(times)


def memory(page: Any, server: Server, seconds: float) -> dict[str, float]:
    """MiB that server and page gain in half an hour, from a straight line through what is measured."""
    session = page.context.new_cdp_session(page)
    page.evaluate("() => studio.session.ask('play', {speed: 0})")
    page.wait_for_timeout(min(seconds / 3, 30) * 1000)  # caches, kept states and curves fill up first
    times, sizes, heaps, begin = [], [], [], time.monotonic()
    for _ in range(SAMPLES):
        page.wait_for_timeout(seconds / SAMPLES * 1000)
        session.send("HeapProfiler.collectGarbage")
        times.append(time.monotonic() - begin)
        sizes.append(server.memory())
        heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / 2**20)
    update = page.evaluate("() => studio.store.state.at.update")
    page.evaluate("() => studio.session.ask('pause')")
    return {
        "server, MiB": sizes[-1], "page's heap, MiB": heaps[-1], "updates": update,
        "server's gain in 30 minutes, MiB": slope(times, sizes) * 1800,
        "page's gain in 30 minutes, MiB": slope(times, heaps) * 1800,
    }  # fmt: skip


def slope(x: list[float], y: list[float]) -> float:
    """Of the line with the least squares."""
    middle, mean = statistics.fmean(x), statistics.fmean(y)
    return sum((a - middle) * (b - mean) for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)


def page_bytes() -> int:
    """All files of the page."""
    import backlit

    folder = Path(backlit.__file__).parent / "studio" / "page"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measured(seconds: float, memory_seconds: float) -> list[tuple[str, str, str]]:
    """Every figure: what, how much, its aim."""
    from playwright.sync_api import sync_playwright

    rows: list[tuple[str, str, str]] = []
    with sync_playwright() as playwright:
        browser = launched(playwright)
        times = first_pictures(browser)
        rows += [("first picture, warm cache, s", f"{times['warm']:.2f}", "≤ 1"),
                 ("first picture, cold, s", f"{times['cold']:.2f}", "≤ 2")]  # fmt: skip
        server = Server()
        try:
            with opened(browser, server) as (page, _):
                aims = {"frames a second": "≥ 40", "updates a frame": "≥ 10"}
                configured(page, SMALL)
                for name, value in playing(page, server, seconds).items():
                    rows.append((f"2-8-8-2: {name}", shown(value), aims.get(name, "")))
                for state in ("paused", "playing"):
                    if state == "playing":
                        page.evaluate("() => studio.session.ask('play', {speed: 0})")
                    middle, most = clicks(page)
                    rows.append((f"a click's numbers, {state}, ms (most)", f"{middle:.0f} ({most:.0f})", "≤ 50"))
                page.evaluate("() => studio.session.ask('pause')")
                configured(page, LARGE)
                aims = {"longest gap, ms": "≤ 250", "longest task, ms": "≤ 250"}
                for name, value in playing(page, server, seconds).items():
                    rows.append((f"2-64-64-2: {name}", shown(value), aims.get(name, "")))
                if memory_seconds:
                    configured(page, SMALL)
                    for name, value in memory(page, server, memory_seconds).items():
                        rows.append((f"memory: {name}", shown(value), "≤ 30" if "gain" in name else ""))
        finally:
            server.close()
        browser.close()
    return [*rows, ("the page, kB", f"{page_bytes() / 1000:.0f}", "≤ 500")]


def shown(value: Any) -> str:
    """A number as the table has it."""
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def main(options: list[str] | None = None) -> str:
    """A table of all figures beside their aims."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks studio", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--memory", type=float, default=MEMORY_SECONDS)
    given = parser.parse_args(options or [])
    rows = measured(given.seconds, given.memory)
    load = os.getloadavg()[0]
    lines = ["### The studio", "", "| | | aim |", "|---|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([*lines, "", f"Load of the machine at the end: {load:.1f} on {os.cpu_count()} processors."]) + "\n"
