"""What tests of the page look at again and again."""


def at_update(page, update):
    """Wait until the page shows an update, and its pictures are of it."""
    page.wait_for_function(f"studio.store.state.at?.update === {update} && studio.store.state.frames.a?.update === {update}")


def units_of(page):
    """Units of each column of the network, inputs first."""
    return page.evaluate("studio.store.state.layers.map((layer) => layer.units)")


def frame_numbers(page, name):
    """The numbers of an array of the last frame."""
    return page.evaluate(f"Array.from(studio.store.state.frames.a.arrays['{name}'].values)")


def shown(page, selector):
    """Wait until something is drawn on a canvas: more than one colour."""
    page.wait_for_function(
        """(selector) => {
          const canvas = document.querySelector(selector);
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const pixels = new Uint32Array(data.buffer);
          return pixels.some((pixel) => pixel !== pixels[0]);
        }""",
        arg=selector,
    )


def press_play(page, until):
    """Play until so many updates were made, then pause."""
    page.locator("button.play").click()
    page.wait_for_function(f"studio.store.state.at.update >= {until}")
    page.locator("button.play").click()
    page.wait_for_function("!studio.store.state.at.playing")
