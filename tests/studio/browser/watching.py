"""What tests of the page look at again and again."""

import time

SECONDS = 30  # that something may take


def until(page, expression, argument=None):
    """Wait until an expression is true. (Playwright's way makes code of text in the page: its policy forbids that.)"""
    if argument is None:
        expression = f"globalThis.studio !== undefined && ({expression})"  # not while the page is being loaded
    end = time.monotonic() + SECONDS
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(15)


def at_update(page, update):
    """Wait until the page shows an update, and its pictures are of it."""
    until(page, f"studio.store.state.at?.update === {update} && studio.store.state.frames.a?.update === {update}")


def units_of(page):
    """Units of each column of the network, inputs first."""
    return page.evaluate("studio.store.state.layers.map((layer) => layer.units)")


def frame_numbers(page, name):
    """The numbers of an array of the last frame."""
    return page.evaluate(f"Array.from(studio.store.state.frames.a.arrays['{name}'].values)")


def shown(page, selector):
    """Wait until something is drawn on a canvas: more than one colour."""
    until(
        page,
        """(selector) => {
          const canvas = document.querySelector(selector);
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const pixels = new Uint32Array(data.buffer);
          return pixels.some((pixel) => pixel !== pixels[0]);
        }""",
        selector,
    )


def press_play(page, updates):
    """Play until so many updates were made, then pause."""
    page.locator("button.play").click()
    until(page, f"studio.store.state.at.update >= {updates}")
    page.locator("button.play").click()
    until(page, "!studio.store.state.at.playing")
