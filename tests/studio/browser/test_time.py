"""Time: play, one update, one epoch, back and forth, a rate that changes on the way, two networks beside each other."""

import itertools
import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.watching import at_update, frame_numbers, press_play, shown, until

PAINTED = """(selector, colour) => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((_, at) => at % 4 === 0 && colour.every((part, i) => data[at + i] === part));
}"""


def test_one_update_and_one_epoch(page):
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    expect(page.locator('[data-told="update"]')).to_have_text("1")
    expect(page.locator(".time-told").first).to_contain_text(re.compile("^\\s*1 update\\s"))
    until(page, f"({PAINTED})('.plot canvas', [0, 114, 178])")  # one update is a point: the colour of the training loss
    length = page.evaluate("studio.store.state.at.updates_per_epoch")
    page.locator('[data-do="epoch"]').click()
    at_update(page, length)
    page.locator('[data-do="epoch"]').click()
    at_update(page, 2 * length)


def test_it_plays_learns_and_pauses(page):
    first = page.evaluate("studio.store.state.frames.a.held_loss")
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 300)
    assert page.evaluate("studio.store.state.frames.a.held_loss") < 0.7 * first
    at = page.evaluate("studio.store.state.at.update")
    page.wait_for_timeout(200)
    assert page.evaluate("studio.store.state.at.update") == at
    shown(page, "[data-plane=a]")
    shown(page, ".plot canvas")
    expect(page.locator('[data-score="a:loss"]')).not_to_have_text("–")


def test_the_slider_goes_back_and_forth_and_the_numbers_are_the_same(page):
    for _ in range(3):
        page.locator('[data-do="epoch"]').click()
    length = page.evaluate("studio.store.state.at.updates_per_epoch")
    at_update(page, 3 * length)
    there = frame_numbers(page, "param/0/weight")
    slider = page.locator('[data-do="seek"]')
    slider.focus()
    slider.press("Home")
    at_update(page, 0)
    assert frame_numbers(page, "param/0/weight") != there
    slider.press("End")
    at_update(page, 3 * length)
    assert frame_numbers(page, "param/0/weight") == there


def test_start_again(page):
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    page.locator('[data-do="reset"]').click()
    until(page, "studio.store.state.at.update === 0 && studio.store.state.at.furthest === 0")
    expect(page.locator('[data-do="reset"]')).to_be_disabled()


def test_the_rate_changes_on_the_way_and_the_past_stays(page):
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    at = page.evaluate("studio.store.state.at.update")
    page.locator('[data-do="rate"]').select_option("0.3")
    until(page, "studio.store.state.spec.history.length === 1")
    assert page.evaluate("studio.store.state.spec.history[0]")["value"] == 0.3
    expect(page.locator('[data-do="rate"]')).to_have_value("0.3")
    page.locator('[data-do="update"]').click()
    at_update(page, at + 1)
    page.keyboard.press(",")
    at_update(page, at)
    page.keyboard.press(",")
    at_update(page, at - 1)
    expect(page.locator('[data-do="rate"]')).to_have_value("0.03")  # before the change


def test_two_networks_side_by_side(page):
    page.locator('[data-do="difference"]').select_option("rate")
    page.locator('[data-do="difference-value"]').select_option("0.003")
    page.locator('[data-do="compare"]').click()
    expect(page.locator("[data-plane]")).to_have_count(2)
    expect(page.locator("studio-output h2")).to_be_focused()  # who compared, below, is led to the two pictures
    expect(page.locator("studio-output h2")).to_be_in_viewport()
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0 && studio.store.state.frames.a.compare")
    shown(page, "[data-plane=b]")
    first, second = (page.locator(f"[data-plane={name}]").bounding_box() for name in "ab")
    assert (first["x"] + first["width"] < second["x"], first["y"]) == (True, second["y"])  # however long its caption is
    assert frame_numbers(page, "param/0/weight") != frame_numbers(page, "b:param/0/weight")
    expect(page.locator('[data-score="b:loss"]')).not_to_have_text("–")
    page.locator('[data-side="b"]').click()
    expect(page.locator('[data-side="b"]')).to_have_attribute("aria-pressed", "true")
    page.locator('[data-tab="inside"]').click()
    expect(page.locator("studio-inside h2")).to_have_text(["Layer by layer · Second", "Surface of the loss · First"])
    second = page.locator(".layers-table tbody tr").nth(1).text_content()
    page.locator('[data-side="a"]').click()
    expect(page.locator("studio-inside h2").first).to_have_text("Layer by layer · First")
    expect(page.locator(".layers-table tbody tr").nth(1)).not_to_have_text(second)
    page.locator('[data-do="keep"]').first.click()
    expect(page.locator("[data-plane]")).to_have_count(1)
    until(page, "studio.store.state.spec.training.rate === 0.003")


def test_a_change_to_the_second_networks_layers_keeps_its_own_training(page):
    page.locator('[data-do="difference"]').select_option("rate")
    page.locator('[data-do="difference-value"]').select_option("0.003")
    page.locator('[data-do="compare"]').click()
    expect(page.locator("[data-plane]")).to_have_count(2)
    page.locator('[data-side="b"]').click()
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(page, "studio.store.state.compare?.state.network.layers[0].units === 9")
    rates = "[studio.store.state.compare.state.training.rate, studio.store.state.spec.training.rate]"
    assert page.evaluate(rates) == [0.003, 0.03]
    page.locator('[data-unit="0/0"]').focus()
    page.keyboard.press("Alt+ArrowRight")
    until(page, "studio.store.state.compare?.state.network.layers[1].units === 9")
    assert page.evaluate(rates) == [0.003, 0.03]


def test_keys_alone_run_it(page):
    page.locator("body").press(".")
    at_update(page, 1)
    page.keyboard.press(" ")
    until(page, "studio.store.state.at.playing")
    page.keyboard.press(" ")
    until(page, "!studio.store.state.at.playing")
    at = page.evaluate("studio.store.state.at.update")
    page.keyboard.press(",")
    at_update(page, at - 1)


def test_a_page_that_is_loaded_anew_comes_back_to_where_it_was(page):
    page.locator('[data-layer="0"] [data-do="more-units"]').click()
    until(page, "studio.store.state.layers[1].units === 9")
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a?.update > 0")
    at = page.evaluate("studio.store.state.at.update")
    weights = frame_numbers(page, "param/0/weight")
    page.reload()
    at_update(page, at)
    assert frame_numbers(page, "param/0/weight") == weights


def test_a_lost_connection_is_said_and_mended(open_page):
    sockets = []

    def between(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page = open_page(before=lambda page: page.route_web_socket("**/ws", between))
    sockets[-1].close(code=1012, reason="restarting")
    expect(page.locator(".connection")).to_contain_text("The connection is lost. Nothing is gone")
    expect(page.locator(".connection")).to_have_count(0)
    assert len(sockets) == 2
    page.locator('[data-do="update"]').click()
    at_update(page, 1)


def test_curves_of_a_long_run_are_thinned_evenly(page):
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    until(page, "document.querySelector('studio-curves').plot?.data[0].length === 1")
    page.evaluate(
        """() => {
          const curves = document.querySelector("studio-curves");
          for (let part = 0; part < 40; part++) {
            const values = new Float32Array(2 * 1500).fill(1);
            curves.frameArrived({arrays: {curves: {shape: [1500, 2], values}}, curves_from: part * 1500});
          }
        }"""
    )
    until(page, "document.querySelector('studio-curves').plot.data[0].at(-1) === 60000")
    x = page.evaluate("Array.from(document.querySelector('studio-curves').plot.data[0])")
    assert 1000 < len(x) <= 4000
    assert max(b - a for a, b in itertools.pairwise(x)) <= 60  # 0.1 % of the run
