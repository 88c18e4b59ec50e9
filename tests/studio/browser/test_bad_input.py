"""What goes wrong at the page: files, tabs, connections, runs that diverge. A message each, and nothing lost."""

import json
import math

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.serving import running_studio
from tests.studio.browser.watching import at_update, frame_numbers, press_play, until

SPEC = "JSON.stringify(studio.store.state.spec)"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("broken.csv", b"a,b\n1,2,3,4\n" * 9, "broken.csv"),
        ("empty.csv", b"", "empty.csv"),
        ("sheet.xlsx", b"PK\x03\x04 no workbook", "sheet.xlsx"),
        ("rows.parquet", b"PAR1....PAR1", "rows.parquet"),
        ("tree.json", b'{"a": {"b": 1}}', "tree.json"),
        ("photo.heic", b"\x00" * 99, "photo.heic"),
    ],
)
def test_a_broken_file_is_refused_by_its_name_and_nothing_is_lost(page, name, data, text):
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    before = page.evaluate(SPEC)
    page.locator('[data-do="file"]').set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )
    message = page.locator(".message.error")
    expect(message).to_contain_text(text)
    expect(message).not_to_contain_text("/tmp")  # noqa: S108
    assert page.evaluate(SPEC) == before
    page.locator('[data-do="update"]').click()
    at_update(page, 2)


def test_two_tabs_show_the_same_session(page):
    tab = page.context.new_page()
    tab.goto(page.url)
    tab.locator("[data-unit]").first.wait_for()
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(tab, "studio.store.state.layers[1].units === 9")
    page.locator('[data-do="epoch"]').click()
    length = page.evaluate("studio.store.state.at.updates_per_epoch")
    at_update(page, length)
    at_update(tab, length)
    assert frame_numbers(tab, "param/0/weight") == frame_numbers(page, "param/0/weight")
    tab.locator('[data-do="rate"]').select_option("0.3")
    until(page, "studio.store.state.spec.history.length === 1")
    expect(page.locator('[data-do="rate"]')).to_have_value("0.3")
    tab.close()
    page.locator('[data-do="update"]').click()
    at_update(page, length + 1)


def test_a_tab_that_sleeps_while_it_plays_wakes_up_where_the_run_is(page):
    page.locator('[data-do="speed"]').select_option("1")
    page.locator("button.play").click()
    until(page, "studio.store.state.at.update > 10")
    at = page.evaluate("studio.store.state.at.update")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    page.context.pages[0].wait_for_timeout(1500)  # it gets no frames, and holds nobody up
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    until(page, f"studio.store.state.at.update > {at}")
    page.locator("button.play").click()
    until(page, "!studio.store.state.at.playing")
    until(page, "document.querySelector('studio-curves').textContent.includes('training loss went')")
    end = page.evaluate("studio.store.state.at.update")
    expect(page.locator("#curves-told")).to_contain_text(f"in {end:,} updates")  # no update is missing from them
    at_update(page, end)


def test_a_page_that_is_loaded_anew_in_mid_run_comes_back_to_it(page):
    page.locator('[data-do="speed"]').select_option("5")
    page.locator("button.play").click()
    until(page, "studio.store.state.at.update > 50")
    at = page.evaluate("studio.store.state.at.update")
    page.reload()
    until(page, f"studio.store.state.at?.playing && studio.store.state.at.update > {at}")
    expect(page.locator("button.play")).to_contain_text("Pause")
    page.locator("button.play").click()
    until(page, "!studio.store.state.at.playing")
    end = page.evaluate("studio.store.state.at.update")
    expect(page.locator("#curves-told")).to_contain_text(f"in {end:,} updates")  # those of before, too


def test_a_link_is_opened_once_and_not_again_when_the_page_is_loaded_anew(open_page, studio):
    state = {"data": {"name": "circles"}, "network": {"layers": [{"units": 3}]}, "at": 5}
    page = open_page(address=f"{studio()}#{json.dumps(state)}")
    at_update(page, 5)
    page.locator('[data-do="update"]').click()
    at_update(page, 6)
    page.reload()
    at_update(page, 6)
    assert page.evaluate("studio.store.state.spec.data.name") == "circles"


def test_a_link_that_cannot_be_read_is_told(open_page, studio):
    page = open_page(address=f'{studio()}#{{"data":{{"name":"nowhere"}}}}')
    expect(page.locator(".message.error")).to_contain_text("nowhere")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)


@pytest.mark.slow
def test_a_run_that_diverges_says_where_and_goes_on_from_before(page):
    state = {
        "data": {"name": "diabetes"},
        "network": {"layers": [{"units": 4, "activation": "relu"}] * 3},
        "training": {"optimizer": "sgd", "rate": 1000.0},
    }
    page.evaluate(f"studio.session.configure({json.dumps(state)})")
    until(page, "studio.store.state.spec.data.name === 'diabetes'")
    page.locator("button.play").click()
    warning = page.locator(".message.warning")
    expect(warning).to_contain_text("would leave no numbers")
    until(page, "!studio.store.state.at.playing")
    at = page.evaluate("studio.store.state.at.update")
    expect(warning).to_contain_text(f"update {at + 1} would")
    assert all(map(math.isfinite, frame_numbers(page, "param/0/weight")))
    page.locator('[data-do="reset"]').click()
    at_update(page, 0)
    page.locator('[data-do="rate"]').select_option("0.001")
    until(page, "studio.store.state.spec.history.length === 1")
    press_play(page, at + 5)


def test_a_studio_that_is_stopped_and_started_again_says_so_and_nothing_is_lost(browser):
    context = browser.new_context(locale="en")
    page = context.new_page()  # whose console has the connections that were refused
    with running_studio() as address:
        page.goto(address())
        page.locator('[data-layer="0"] [data-do="more-units"]').click()
        until(page, "studio.store.state.layers[1].units === 9")
        page.locator('[data-do="epoch"]').click()
        until(page, "studio.store.state.frames.a?.update > 0")
        at = page.evaluate("studio.store.state.at.update")
        weights = frame_numbers(page, "param/0/weight")
        until(page, f"JSON.parse(localStorage.getItem('backlit-studio-kept'))?.state.at === {at}")
        port = int(address().split(":")[2].split("/")[0])
    expect(page.locator(".connection")).to_contain_text("The connection is lost. Nothing is gone")
    expect(page.locator(".connection")).to_contain_text("The studio doesn't answer.")
    with running_studio(port) as address:
        expect(page.locator(".connection")).to_contain_text("The studio was started again")
        page.goto(address())
        expect(page.locator('[data-do="bring-back"]')).to_be_visible()
        page.locator('[data-do="bring-back"]').click()
        at_update(page, at)
        assert frame_numbers(page, "param/0/weight") == weights
        expect(page.locator('[data-do="bring-back"]')).to_have_count(0)
        context.close()


def test_what_is_changed_by_hand_goes_to_the_network_that_is_shown(page):
    page.locator('[data-do="difference"]').select_option("rate")
    page.locator('[data-do="difference-value"]').select_option("0.003")
    page.locator('[data-do="compare"]').click()
    expect(page.locator("[data-plane]")).to_have_count(2)
    page.locator('[data-side="b"]').click()
    expect(page.locator('[data-do="rate"]')).to_have_value("0.003")  # of the one that is shown
    page.locator('[data-unit="0/0"]').click()
    page.locator('[data-weight="0"]').click()
    page.locator('[data-told="weight"]').wait_for()  # until then the field is the bias's
    first = frame_numbers(page, "param/0/weight")
    page.locator('[data-do="edit-value"]').fill("2.5")
    page.locator('[data-do="edit"]').click()
    until(page, "studio.store.state.frames.a.arrays['b:param/0/weight'].values[0] === 2.5")
    assert frame_numbers(page, "param/0/weight") == first
    expect(page.locator("figcaption").nth(1)).to_contain_text("the second alone: 0/weight[0,0] = 2.5 after update 0")
    page.locator('[data-do="both"]').check()
    page.locator('[data-do="rate"]').select_option("0.1")
    until(page, "studio.store.state.compare.state.history.length === 2 && studio.store.state.spec.history.length === 1")
