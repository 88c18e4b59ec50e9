"""In Korean nothing is said in English, wherever one goes and however narrow the page is."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")

import backlit.studio
from tests.studio.browser.test_everyone import TABS, too_wide
from tests.studio.browser.test_pictures import of_digits
from tests.studio.browser.test_text import read_hello
from tests.studio.browser.watching import at_update, press_play, until

pytestmark = pytest.mark.slow
# All that a person reads or hears; code stays as it is written.
TOLD = """() => {
  const SILENT = "pre, code, script, style, noscript, textarea, [hidden]";
  const NAMES = ["aria-label", "title", "placeholder", "alt"];
  const said = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { if (node.data.trim()) said.push(node.data.trim()); return; }
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SILENT)) return;
    for (const name of NAMES) if (node.hasAttribute(name)) said.push(node.getAttribute(name));
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return said;
}"""
PHRASE = re.compile(r"[a-z]{2,} [a-z]{2,}")
BESIDE_KOREAN = re.compile(r"[가-힣]\s?\([A-Za-z /-]+\)")  # a term with its English behind it, as textbooks write


def texts(language):
    file = Path(backlit.studio.__file__).parent / "page" / "texts" / f"{language}.json"
    return json.loads(file.read_text("utf-8"))


def own_words():
    """What the page says in English and nowhere in Korean."""
    korean = " ".join(texts("ko").values())
    return {text for text in texts("en").values() if re.fullmatch("[A-Za-z][a-z]{3,}", text) and text not in korean}


def english_on(page):
    """What is told in English."""
    told = [BESIDE_KOREAN.sub("", text) for text in page.evaluate(f"({TOLD})()")]
    return [text for text in told if PHRASE.search(text) or text in own_words()]


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_network_on_points(open_page, size):
    page = open_page("ko", size)
    assert english_on(page) == []
    press_play(page, 20)
    page.locator('[data-unit="0/0"]').click()
    for tab in TABS:
        page.locator(f'[data-tab="{tab}"]').click()
        page.wait_for_timeout(300)
        assert (tab, english_on(page), too_wide(page)) == (tab, [], False)
    page.locator('[data-do="compare"]').click()
    until(page, "studio.store.state.compare")
    for tab in TABS:
        page.locator(f'[data-tab="{tab}"]').click()
        page.wait_for_timeout(300)
        assert (tab, english_on(page), too_wide(page)) == (tab, [], False)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pictures(open_page, size):
    page = open_page("ko", size)
    of_digits(page)
    press_play(page, 5)
    assert english_on(page) == []
    assert not too_wide(page)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_text(open_page, size):
    page = open_page("ko", size)
    read_hello(page, "lstm")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    for tab in ("unrolled", "gates", "numbers"):
        page.locator(f'[data-tab="{tab}"]').click()
        page.wait_for_timeout(300)
        assert (tab, english_on(page), too_wide(page)) == (tab, [], False)
