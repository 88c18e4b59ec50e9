"""One studio for all tests of the page; a page of its own, with a session of its own, for each."""

import contextlib

import pytest

from tests.studio.browser.serving import running_studio
from tests.studio.browser.watching import SECONDS, until

SIZES = {"desktop": {"width": 1366, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def studio(browser):
    """The studio, as `backlit studio` starts it: gives the address of a fresh session."""
    with running_studio() as address:
        yield address


@pytest.fixture
def open_page(browser, studio):
    """Opens the studio as a person does: `open_page("ko", "phone")`. What goes wrong in the page fails the test."""
    faults = []
    with contextlib.ExitStack() as stack:

        def opened(language="en", size="desktop", address=None, ready=True, recording=None, before=None, **options):
            context = browser.new_context(viewport=SIZES[size], locale=language, **options)
            stack.callback(context.close)
            context.set_default_timeout(1000 * SECONDS)
            if recording is not None:
                context.add_init_script(f"globalThis.backlitStudio = {{recording: {recording}}}")
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: message.type == "error" and faults.append(message.text))
            if before is not None:
                before(page)
            page.goto(address or studio())
            if ready:
                page.locator("[data-unit]").first.wait_for()
            if ready and recording is None:
                until(page, "studio.store.state.frames.a")
            return page

        yield opened
    assert not faults, "\n".join(faults)


@pytest.fixture
def page(open_page):
    """The studio in English, on a desktop."""
    return open_page()
