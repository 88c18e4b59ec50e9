"""The documentation's pictures of the studio, in each language, taken of the studio itself by Chromium.

`python docs/site/studio.py` makes docs/assets/studio/ anew; it needs Playwright, Chromium and Pillow.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "docs" / "assets" / "studio"
SIZE, TALL = {"width": 1280, "height": 860}, {"width": 1280, "height": 1240}  # the latter where what is shown is below
COLOURS = 256
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def learned(page: Any) -> None:
    """The network after some epochs, a row and a weight chosen."""
    page.evaluate("studio.session.configure({network: {layers: [{units: 4}, {units: 4}]}})")
    page.locator('[data-unit="2/3"]').wait_for()
    _to(page, 240)
    page.evaluate("studio.chooseRow(5)")
    page.evaluate("studio.choose({layer: '2', unit: 1, input: 2})")
    page.locator('[data-told="upstream"]').wait_for()


def compared(page: Any) -> None:
    """Two networks, of which one has ten times the rate."""
    page.locator('[data-do="difference"]').select_option("rate")
    page.locator('[data-do="difference-value"]').select_option("0.3")
    page.locator('[data-do="compare"]').click()
    page.locator("[data-plane=b]").wait_for()
    _to(page, 120)


def exercise(page: Any) -> None:
    """An exercise on the way to its goal, with its hint."""
    page.locator('[data-tab="exercises"]').click()
    page.locator('[data-exercise="xor"]').click()
    page.locator("studio-task .goals").wait_for()
    page.locator('[data-do="hint"]').click()
    _to(page, 200)


def text(page: Any) -> None:
    """A network that has nearly learned "hello", unrolled over the letters, with the numbers of a step."""
    from tests.studio.browser.watching import until

    page.locator('[data-set="hello"]').click()
    until(page, "studio.store.state.frames.a?.reading")
    page.evaluate("studio.session.configure({network: {layers: [{kind: 'lstm', units: 5}]}})")
    until(page, "studio.store.state.frames.a?.reading.layers[0].kind === 'LSTM'")
    for _ in range(8):
        _to(page, page.evaluate("studio.store.state.at.update") + 3)
    page.locator('[data-tab="unrolled"]').click()
    page.locator('[data-step="2"]').click()
    page.locator("[data-gradients]").first.wait_for()


SCENES: dict[str, Callable[[Any], None]] = {
    "studio": learned, "compare": compared, "exercise": exercise, "text": text,
}  # fmt: skip
LONG = ("text",)


def _to(page: Any, update: int) -> None:
    from tests.studio.browser.watching import at_update

    page.evaluate(f"studio.session.ask('step', {{updates: {update} - studio.store.state.at.update}})")
    at_update(page, update)


def small(png: bytes) -> bytes:
    """A picture with few colours: a third of the bytes, and no difference that one sees."""
    from PIL import Image

    whole = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
        whole, "PNG", optimize=True
    )
    return whole.getvalue()


def main() -> None:
    """All of them."""
    from playwright.sync_api import sync_playwright

    from tests.studio.browser.serving import running_studio

    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright, running_studio() as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for language in ("en", "ko"):
            for name, act in SCENES.items():
                context = browser.new_context(
                    viewport=TALL if name in LONG else SIZE,
                    locale=language,
                    color_scheme="light",
                    reduced_motion="reduce",
                )
                page = context.new_page()
                page.goto(address())
                page.locator("[data-unit]").first.wait_for()
                act(page)
                page.evaluate("scrollTo(0, 0)")
                page.wait_for_timeout(600)  # until the curves are drawn
                (FOLDER / f"{name}-{language}.png").write_bytes(small(page.screenshot()))
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
