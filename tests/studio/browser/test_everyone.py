"""For everyone: two languages, small screens, keyboards, screen readers, colours, less motion."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from pathlib import Path

from playwright.sync_api import expect

from tests.studio.browser.watching import at_update, shown, until

REACHED = "((data) => data.do ?? data.set ?? data.tab ?? data.unit ?? '')(document.activeElement.dataset)"
TABS = ("numbers", "inside", "doctor", "code", "exercises")


def serious(page):
    """Faults that axe-core calls serious or critical, with where they are."""
    folder = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python isn't installed")
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate((Path(folder.__file__).parent / "axe.min.js").read_text("utf-8") + "; null")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:4])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


def too_wide(page):
    """Whether the page has to be moved sideways."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_serious_fault_by_axe_and_nothing_sticks_out(open_page, language, size):
    page = open_page(language, size, color_scheme="dark" if language == "ko" else "light")
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    bar, room = page.evaluate(
        """() => [document.querySelector("studio-time").offsetHeight,
          parseFloat(getComputedStyle(document.querySelector(".side-output")).scrollMarginTop)]"""
    )
    assert bar < room  # the bar, which stays, doesn't cover the title that one is led to
    page.locator('[data-unit="0/0"]').click()
    for tab in TABS:
        page.locator(f'[data-tab="{tab}"]').click()
        page.wait_for_timeout(100)
        assert serious(page) == [], tab
        assert not too_wide(page), tab
    page.locator('[data-do="draw"]').click()
    assert serious(page) == []
    page.locator('[data-mode="walk"]').click()
    expect(page.locator('[data-do="next"]')).to_be_visible()
    page.locator('[data-do="last"]').click()
    assert serious(page) == []
    assert not too_wide(page)


def test_the_language_is_switched_in_the_page_and_kept(page):
    expect(page.locator("button.play")).to_contain_text("Play")
    page.locator('[data-language="ko"]').click()
    expect(page.locator("button.play")).to_contain_text("재생")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page).to_have_title("Backlit 스튜디오")
    page.reload()
    expect(page.locator("button.play")).to_contain_text("재생")


def test_a_korean_browser_is_greeted_in_korean(open_page):
    page = open_page("ko")
    expect(page.locator('[data-set="moons"]')).to_contain_text("반달")
    assert page.get_by_text("Learning", exact=False).count() == 0


def test_by_keyboard_alone_from_data_to_a_trained_network(page):
    page.keyboard.press(".")
    at_update(page, 1)
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(REACHED))
    assert reached >= {
        "update", "epoch", "seek", "speed", "rate", "moons", "circles", "draw", "file", "more-units", "activation",
        "0/0", "numbers", "optimizer", "compare",
    }  # fmt: skip
    page.locator('[data-set="circles"]').focus()
    page.keyboard.press("Enter")
    until(page, "studio.store.state.spec.data.name === 'circles'")
    until(page, "studio.store.state.at.update === 0")
    page.keyboard.press("e")
    until(page, "studio.store.state.frames.a?.update > 0")
    page.locator('[data-tab="numbers"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-tab="inside"]')).to_be_focused()
    expect(page.locator('[data-tab="inside"]')).to_have_attribute("aria-selected", "true")


def test_screen_readers_are_told(page):
    page.locator('[data-do="epoch"]').click()
    expect(page.locator("#announcements")).to_contain_text("Update 8, loss")
    told = re.compile("Plane of inputs with 300 rows; after 8 updates the loss is 0")
    expect(page.locator("[data-plane=a]")).to_have_attribute("aria-label", told)
    assert page.get_by_role("button", name="Layer 1, unit 3, tanh").count() == 1


def test_dark_pages_are_dark_and_drawn_so(open_page):
    page = open_page(color_scheme="dark")
    shown(page, "[data-plane=a]")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in background.strip("rgb()").split(",")) < 150


def test_less_motion_is_respected(open_page):
    page = open_page(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('button')).transitionDuration") in ("", "0s")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)


def test_classes_differ_by_shape_as_well_as_by_colour(page):
    pictures = page.evaluate(
        "Array.from(document.querySelectorAll('canvas[data-key]'), (canvas) => canvas.toDataURL())"
    )
    assert len(pictures) == len(set(pictures)) == 3
    shapes = page.evaluate(
        """() => Array.from(document.querySelectorAll("canvas[data-key]"), (canvas) => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, 32, 32);
          return Array.from({length: 32 * 32}, (_, i) => Number(data[4 * i + 3] > 128)).join("");
        })"""
    )
    assert shapes[0] != shapes[1]  # circle and square, without their colours
