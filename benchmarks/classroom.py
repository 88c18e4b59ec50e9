"""A class at one studio: 30 browsers that each build a network, train it, and are loaded anew.

How soon each of them is there, what the server takes, how evenly they train, and that each comes back to its own
network, and to no other.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

from benchmarks.studio import VIEW, Server, launched

PUPILS, SECONDS = 30, 60.0
SIZES = (VIEW, {"width": 390, "height": 844})
PATIENCE = 300_000  # milliseconds: all browsers are on this machine, too
THERE = "() => globalThis.studio?.store.state.frames.a && document.querySelector('[data-unit]')"
BUILD = """([seed, units]) => studio.session.configure({
  data: {...studio.store.state.spec.data, seed}, network: {layers: [{units, activation: "tanh"}]}})"""
BUILT = "([seed, units]) => studio.store.state.layers[1].units === units && studio.store.state.spec.data.seed === seed"
AT = """(update) => studio.store.state.at?.update === update && studio.store.state.frames.a?.update === update
  && studio.store.state.frames.a.arrays["param/0/weight"]"""
WEIGHTS = "() => Array.from(studio.store.state.frames.a.arrays['param/0/weight'].values)"
UPDATE = "() => studio.store.state.at.update"


class Pupil:
    """A browser of one's own, with a network that no other has."""

    def __init__(self, browser: Any, address: str, number: int) -> None:
        begin = time.perf_counter()
        language = "ko" if number % 3 == 0 else "en"
        self.page = browser.new_context(viewport=SIZES[number % 2], locale=language).new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(address)
        self.page.wait_for_function(THERE)
        self.joined = time.perf_counter() - begin
        self.network = [number, number + 2]
        self.update, self.weights = 0, list[float]()

    def build(self) -> None:
        self.page.evaluate(BUILD, self.network)
        self.page.wait_for_function(BUILT, arg=self.network)

    def rest(self) -> None:
        """Pause, and remember where it is."""
        self.page.evaluate("() => studio.session.ask('pause')")
        self.page.wait_for_function("() => !studio.store.state.at.playing")
        self.update = self.page.evaluate(UPDATE)
        self.page.wait_for_function(AT, arg=self.update)
        self.weights = self.page.evaluate(WEIGHTS)

    def is_back(self) -> bool:
        """Whether the page, loaded anew, shows its own network as it was left."""
        self.page.wait_for_function(AT, arg=self.update)
        return bool(self.page.evaluate(BUILT, self.network) and self.page.evaluate(WEIGHTS) == self.weights)


def measured(count: int, seconds: float) -> list[tuple[str, str]]:
    """Every figure: what, how much."""
    from playwright.sync_api import sync_playwright

    server = Server(None, "--pupils", str(count))
    assert server.process.stdout is not None
    address = next(line for line in server.process.stdout if "pupils" in line).split()[-1]
    sizes = [server.memory()]
    try:
        with sync_playwright() as playwright:
            browser = launched(playwright)
            pupils = [Pupil(browser, address, number) for number in range(count)]
            sizes.append(server.memory())
            refused = browser.new_page().goto(address)
            for pupil in pupils:
                pupil.build()
            used = server.seconds()
            for pupil in pupils:
                pupil.page.evaluate("() => studio.session.ask('play', {speed: 0})")
            pupils[0].page.wait_for_timeout(1000 * seconds)
            updates = sorted(pupil.page.evaluate(UPDATE) for pupil in pupils)
            used = server.seconds() - used
            for pupil in pupils:
                pupil.rest()
            sizes.append(server.memory())
            begin = time.perf_counter()
            for pupil in pupils:
                pupil.page.reload(wait_until="commit")
            back = sum(pupil.is_back() for pupil in pupils)
            anew = time.perf_counter() - begin
            browser.close()
    finally:
        server.close()
    joined = [pupil.joined for pupil in pupils]
    return [
        ("a page's way to its first picture, s: median (most)", f"{statistics.median(joined):.1f} ({max(joined):.1f})"),
        ("server, MiB: alone, all there, at most", " · ".join(f"{size:.0f}" for size in [*sizes[:2], max(sizes)])),
        (f"updates in {seconds:.0f} s: fewest, median, most",
         f"{updates[0]:,} · {statistics.median(updates):,.0f} · {updates[-1]:,}"),
        ("server's processor seconds meanwhile", f"{used:.0f}"),
        ("all loaded anew and back, s", f"{anew:.1f}"),
        ("back at their own network, update and weights", f"{back} of {count}"),
        ("different networks", str(len({tuple(pupil.weights) for pupil in pupils}))),
        ("answer to one more", str(refused.status if refused else "none")),
    ]  # fmt: skip


def main(options: list[str] | None = None) -> str:
    """A table of all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks classroom", description=__doc__)
    parser.add_argument("--pupils", type=int, default=PUPILS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args(options or [])
    rows = measured(given.pupils, given.seconds)
    told = f"{os.cpu_count()} processors for the server and all {given.pupils} browsers; load {os.getloadavg()[0]:.0f}"
    lines = [f"### The studio with a class of {given.pupils}", "", "| | |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), "", f"{told}."]) + "\n"
