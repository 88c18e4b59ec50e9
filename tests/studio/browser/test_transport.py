"""The page without a server: the same messages from somewhere else, here from a recording."""

import json

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from playwright.sync_api import expect

from backlit.studio.answers import answer
from backlit.studio.session import Session
from tests.studio.browser.serving import STATE
from tests.studio.browser.watching import at_update, shown, until


def plain(reply):
    """A reply with its arrays as lists."""
    arrays = reply.arrays or {}
    lists = {name: {"shape": array.shape, "values": array.ravel().tolist()} for name, array in arrays.items()}
    return {**reply.message, "lists": lists}


@pytest.fixture(scope="module")
def recording():
    """What a session says to a page that opens, and makes one update."""
    session = Session(STATE)
    asked = [{"type": "hello", "version": 1}, {"type": "look", "panels": ["boundary", "units", "weights"], "grid": 8}]
    told = {message["type"]: [plain(reply) for reply in answer(session, message)] for message in asked}
    told["look"].append(plain(session.frame()))
    told["step"] = [plain(reply) for reply in answer(session, {"type": "step", "updates": 1})]
    told["step"].append(plain(session.frame()))
    return json.dumps({"answers": told})


def test_a_recording_plays_in_the_page_without_a_connection(open_page, recording):
    sockets = []
    page = open_page(
        recording=recording, before=lambda page: page.on("websocket", lambda socket: sockets.append(socket))
    )
    expect(page.locator('[data-set="moons"]')).to_be_visible()
    at_update(page, 0)
    shown(page, "[data-plane=a]")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    assert sockets == []
    assert page.evaluate("studio.session.transport.asked.map((message) => message.type)")[:3] == [
        "hello",
        "look",
        "seen",
    ]


def test_a_message_that_is_not_of_the_protocol_changes_nothing(browser, studio, recording):
    spoilt = json.loads(recording)
    spoilt["answers"]["step"] = [{"type": "frame", "frame": "one", "update": 7, "epoch": 1, "playing": False}]
    context = browser.new_context()
    context.add_init_script(f"globalThis.backlitStudio = {{recording: {json.dumps(spoilt)}}}")
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(studio())
    at_update(page, 0)
    page.locator('[data-do="update"]').click()
    for _ in range(200):
        if said:
            break
        page.wait_for_timeout(20)
    assert "frame: frame must be a whole number" in said[0]
    until(page, "studio.store.state.at.update === 0")
    context.close()
