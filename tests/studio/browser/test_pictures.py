"""Pictures: digits, or a folder's worth that is dropped; seen layer by layer, drawn by hand, wrongly classified."""

import io
import zipfile

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.test_everyone import serious, too_wide
from tests.studio.browser.watching import frame_numbers, press_play, shown, until

PIXELS = """(selector) => {
  const canvas = document.querySelector(selector);
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.join();
}"""


def of_digits(page, convolutions=True):
    """The digits as pictures, with a small convolutional network."""
    page.locator('[data-set="digits"]').click()
    page.locator('[data-tab="pictures"]').click()
    expect(page.locator("[data-pad]")).to_be_visible()
    if convolutions:
        page.locator('[data-do="use-convolutions"]').click()
        until(page, "studio.store.state.layers.some(({kind}) => kind === 'Conv2d')")
        page.locator("[data-filters]").first.wait_for()
    until(page, "studio.store.state.pictured?.row === 0 && studio.store.state.mistaken")


def pixels_of(page, selector):
    return page.evaluate(f"({PIXELS})('{selector}')")


def painted_anew(page, selector, before):
    until(page, f"([selector, before]) => ({PIXELS})(selector) !== before", [selector, before])


def stroke(page, points):
    """A line on the pad through points, shares of its sides."""
    pad = page.locator("[data-pad]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def album(suffix=".png"):
    """Four pictures of two classes, packed as a folder is."""
    image = pytest.importorskip("PIL.Image")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(12):
            drawn = np.zeros((6, 5), np.uint8)
            drawn[:, number % 3] = 255 if number % 2 else 80
            data = io.BytesIO()
            image.fromarray(drawn).save(data, "PNG")
            archive.writestr(f"shades/{'bright' if number % 2 else 'dim'}/{number}{suffix}", data.getvalue())
    return packed.getvalue()


def test_filters_change_and_feature_maps_are_those_of_the_picture(page):
    of_digits(page)
    shown(page, '[data-filters="1"]')
    shown(page, '[data-maps="1"]')
    filters, maps = pixels_of(page, '[data-filters="1"]'), pixels_of(page, '[data-maps="1"]')
    page.locator('[data-do="update"]').click()
    until(page, "studio.store.state.at.update === 1 && studio.store.state.pictured.update === 1")
    painted_anew(page, '[data-filters="1"]', filters)
    page.locator('[data-picture="5"]').click()
    until(page, "studio.store.state.pictured.row === 5")
    painted_anew(page, '[data-maps="1"]', maps)
    weights = np.array(frame_numbers(page, "param/1/weight")).reshape(8, 3, 3)
    pixels = np.array(page.evaluate("Array.from(studio.store.state.pictured.arrays.pixels.values)")).reshape(8, 8)
    seen = np.array(page.evaluate("Array.from(studio.store.state.pictured.arrays['features/1'].values)"))
    bias = np.array(frame_numbers(page, "param/1/bias"))
    window = np.pad(pixels, 1)[2:5, 3:6]  # around row 2, column 3
    expected = np.maximum((weights * window).sum(axis=(1, 2)) + bias, 0)
    np.testing.assert_allclose(seen.reshape(8, 8, 8)[2, 3], expected, atol=1e-5)


def test_a_digit_drawn_by_mouse_is_classified_at_once(page):
    of_digits(page, convolutions=False)
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 400)
    top, middle = [(0.3, 0.15), (0.7, 0.15), (0.7, 0.5), (0.7, 0.9)], [(0.3, 0.5), (0.5, 0.5)]
    zero = [(0.5 + 0.25 * np.sin(turn), 0.5 - 0.4 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 16)]
    stroke(page, zero)
    until(page, "studio.store.state.pictured.row === null")
    expect(page.locator('[data-told="class"]')).to_have_text("0")
    page.locator('[data-do="clear-pad"]').click()
    until(page, "studio.store.state.pictured.row === 0")
    stroke(page, top + middle[:1])
    until(page, "studio.store.state.pictured.row === null")
    shares = page.evaluate("studio.store.state.pictured.probabilities")
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    told = page.locator("[data-probability]").all_text_contents()
    assert len(told) == 10
    until(page, "document.querySelector('#announcements').textContent.startsWith('Classified as ')")


def test_a_picture_is_drawn_by_keyboard_alone(page):
    of_digits(page, convolutions=False)
    page.locator("[data-pad]").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", " ", "ArrowRight", " "):
        page.keyboard.press(key)
    until(page, "studio.store.state.drawnPicture?.reduce((a, b) => a + b, 0) === 2")
    assert np.flatnonzero(page.evaluate("Array.from(studio.store.state.drawnPicture)")).tolist() == [9, 10]
    until(page, "document.querySelector('#announcements').textContent === 'row 2, column 3: ink'")
    until(page, "studio.store.state.pictured.row === null")
    page.keyboard.press("Delete")
    until(page, "studio.store.state.drawnPicture === null")


def test_a_drawing_is_still_there_after_a_look_at_a_unit(page):
    of_digits(page, convolutions=False)
    page.locator("[data-pad]").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", " "):
        page.keyboard.press(key)
    until(page, "studio.store.state.drawnPicture?.[9] === 1")
    page.locator('[data-tab="numbers"]').click()
    expect(page.locator("[data-pad]")).to_have_count(0)
    page.locator('[data-tab="pictures"]').click()
    expect(page.locator("[data-pad]")).to_be_visible()
    assert page.evaluate("studio.store.state.drawnPicture?.[9]") == 1
    pad = page.locator("[data-pad]")
    pad.focus()
    for key in ("ArrowDown", "ArrowRight", " "):  # the first arrow leads to the corner
        page.keyboard.press(key)
    until(page, "studio.store.state.drawnPicture[1] === 1")
    assert np.flatnonzero(page.evaluate("Array.from(studio.store.state.drawnPicture)")).tolist() == [1, 9]


def test_what_is_wrongly_classified_is_shown_and_looked_at(page):
    of_digits(page, convolutions=False)
    first = page.locator("[data-mistake]").first
    expect(first).to_be_visible()
    wrong, judged = (page.evaluate(f"studio.store.state.mistaken.{key}") for key in ("wrong", "judged"))
    expect(page.locator('[data-told="mistakes"]')).to_contain_text(f"{wrong} of {judged} pictures")
    row = int(first.get_attribute("data-mistake"))
    first.click()
    until(page, f"studio.store.state.pictured.row === {row}")
    taken, truth = (page.evaluate(f"studio.store.state.pictured.{key}") for key in ("class", "truth"))
    assert taken != truth
    page.locator(".mistakes summary").click()
    table = page.locator(".confusion tbody tr")
    expect(table).to_have_count(10)
    counted = sum(int(cell) for cell in page.locator(".confusion td").all_text_contents())
    assert counted == judged


def test_the_weights_of_a_dense_unit_are_a_picture(page):
    of_digits(page, convolutions=False)
    shown(page, '[data-filters="0"]')  # of all units of the first layer
    page.locator('[data-unit="0/3"]').click()
    page.locator("[data-unit-weights]").wait_for()
    shown(page, "[data-unit-weights]")
    assert page.evaluate("(({width, height}) => [width, height])(document.querySelector('[data-unit-weights]'))") == [
        8,
        8,
    ]


def test_dropped_pictures_are_learned_and_left_again(page):
    page.locator('[data-do="file"]').set_input_files(
        [{"name": "shades.zip", "mimeType": "application/zip", "buffer": album()}]
    )
    expect(page.locator(".classes-told")).to_contain_text("12 pictures, 2 classes")
    expect(page.locator(".classes-told")).to_contain_text("brought to 6 × 5")
    until(page, "studio.store.state.data.picture?.join() === '6,5,1' && studio.store.state.pictured")
    page.locator('[data-do="use-convolutions"]').click()
    until(page, "studio.store.state.layers.some(({kind}) => kind === 'Conv2d')")
    expect(page.locator('[data-do="word-text"]')).to_have_value(
        "conv:8,3 relu pool:2 conv:16,3 relu pool:2 flatten linear:32 relu"
    )
    page.locator('[data-do="word-text"]').fill("conv:4,3 relu flatten")
    page.locator('[data-do="word-text"]').press("Enter")
    until(page, "studio.store.state.layers[1].shape.join() === '6,5,4'")
    page.locator('[data-set="moons"]').click()  # the word for pictures doesn't stand in the way
    until(page, "studio.store.state.data.picture === null && studio.store.state.spec.network.word === ''")
    expect(page.locator('[data-tab="pictures"]')).to_have_count(0)
    expect(page.locator(".message.error")).to_have_count(0)


def test_a_broken_zip_is_said_and_changes_nothing(page):
    before = page.evaluate("studio.store.state.data.rows")
    page.locator('[data-do="file"]').set_input_files(
        [{"name": "pets.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04 broken"}]
    )
    expect(page.locator(".message.error")).to_contain_text("pets.zip can't be unpacked")
    assert page.evaluate("studio.store.state.data.rows") == before


@pytest.mark.parametrize("language", ["en", "ko"])
def test_pictures_fit_a_phone(open_page, language):
    page = open_page(language, "phone")
    of_digits(page)
    page.locator(".mistakes summary").click()
    assert serious(page) == []
    assert not too_wide(page)
    expect(page.locator('[data-do="clear-pad"]')).to_have_text({"en": "Clear", "ko": "지우기"}[language])
