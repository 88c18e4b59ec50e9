"""The inside, the doctor, "break it", and what is copied: Python, command, link."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from tests.studio.browser.watching import at_update, frame_numbers, press_play, shown, until


def test_histograms_gradients_and_updates_by_layer(page):
    page.locator('[data-tab="inside"]').click()
    page.locator('[data-do="epoch"]').click()
    rows = page.locator(".layers-table tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(1).locator(".histogram rect").first).to_be_visible()
    expect(rows.nth(1).locator(".logbar")).to_have_count(2)


def test_the_surface_of_the_loss_with_the_path(page):
    page.locator('[data-do="epoch"]').click()
    page.locator('[data-tab="inside"]').click()
    page.locator('[data-do="surface"]').click()
    expect(page.locator("[data-surface]")).to_be_visible()
    shown(page, "[data-surface]")
    expect(page.locator(".surface")).to_contain_text("Blue is low.")


def test_a_finding_appears_with_a_remedy_that_is_tried_beside(page):
    page.locator('[data-do="initializer"]').select_option("zeros")
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 40)
    page.locator('[data-tab="doctor"]').click()
    finding = page.locator("[data-finding]").first
    expect(finding).to_contain_text("What helps:")
    finding.locator('[data-do="try"]').click()
    expect(page.locator("[data-plane]")).to_have_count(2)
    press_play(page, 120)
    first, second = (page.evaluate(f"studio.store.state.frames.a.{where}held_loss") for where in ("", "compare."))
    assert second < first
    page.locator('.doctor [data-do="keep"]').click()
    expect(page.locator("[data-plane]")).to_have_count(1)


def test_the_doctor_speaks_of_the_network_that_is_shown(page):
    page.locator('[data-do="difference-value"]').select_option("10")
    page.locator('[data-do="compare"]').click()
    expect(page.locator("[data-plane]")).to_have_count(2)
    page.locator('[data-do="speed"]').select_option("20")
    press_play(page, 120)
    page.locator('[data-tab="doctor"]').click()
    too_high = page.locator('[data-finding="learning rate too high"]')
    expect(page.locator(".doctor h2").first).to_have_text("Doctor · First")
    expect(page.locator(".doctor .well").first).to_contain_text("(learning rate: 0.03 → 10.0)")
    until(page, "studio.store.state.findings !== null")
    expect(too_high).to_have_count(0)
    page.locator('[data-side="b"]').click()
    expect(page.locator(".doctor h2").first).to_have_text("Doctor · Second")
    expect(too_high).to_be_visible()
    expect(page.locator('[data-tab="doctor"] .count')).to_be_visible()  # on the tab, too


def test_a_fault_is_planted_and_found(page):
    page.locator('[data-tab="doctor"]').click()
    page.locator('[data-do="break"]').click()
    faults = page.locator("input[name=fault]")
    expect(faults.first).to_be_visible()
    for number in range(faults.count()):  # one of them is right, and only the right one ends the game
        faults.nth(number).check()
        page.locator('[data-do="guess"]').click()
        until(page, "studio.store.state.judged")
        if page.evaluate("studio.store.state.judged.right"):
            break
        expect(page.locator(".game")).to_contain_text("Not that.")
        page.evaluate("studio.store.state.judged = null")
    expect(page.locator(".game")).to_contain_text("Right.")
    expect(page.locator('[data-do="guess"]')).to_have_count(0)


def test_what_is_copied_is_what_is_shown(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.locator('[data-tab="code"]').click()
    for name in ("python", "command", "link"):
        shown_text = page.locator(f'[data-code="{name}"]')
        expect(shown_text).to_be_visible()
        page.locator(f'[data-copy="{name}"]').click()
        expect(page.locator(f'[data-copy="{name}"]')).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == shown_text.text_content()
    assert "import backlit as bl" in page.locator('[data-code="python"]').text_content()
    assert page.locator('[data-code="command"]').text_content().startswith("backlit studio")


def test_where_copying_is_forbidden_the_text_is_marked(page):
    page.evaluate("(navigator.clipboard.writeText = () => Promise.reject(new Error('no')), 0)")
    page.locator('[data-tab="code"]').click()
    page.locator('[data-copy="python"]').click()
    until(page, "getSelection().toString().includes('import backlit')")


def test_a_link_leads_another_person_to_the_same_numbers(open_page, studio):
    page = open_page()
    page.locator('[data-layer="0"] [data-do="less-units"]').click()
    until(page, "studio.store.state.layers[1].units === 7")
    page.locator('[data-do="epoch"]').click()
    until(page, "studio.store.state.frames.a.update > 0")
    page.locator('[data-tab="code"]').click()
    until(page, "studio.store.state.code")
    link = page.evaluate("studio.store.state.code.link")
    other = open_page(address=f"{studio()}#{link}")
    at_update(other, page.evaluate("studio.store.state.at.update"))
    assert frame_numbers(other, "param/0/weight") == frame_numbers(page, "param/0/weight")
