"""The studio in a notebook: the widget's own module, shown by a stand-in for Jupyter's page, and a session in Python.

The stand-in has of a widget's model what anywidget hands over: `get`, `on`, `off` and `send`.
"""

import base64
import contextlib
import json
import queue

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
from backlit.studio.bundle import PAGE, document
from backlit.studio.notebook import Views
from backlit.studio.session import Session
from tests.studio.browser.serving import STATE
from tests.studio.browser.watching import at_update, frame_numbers, press_play, shown, until

HOST = """async ({code, page}) => {
  const widget = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const base = (buffer) => btoa(Array.from(new Uint8Array(buffer), (code) => String.fromCharCode(code)).join(""));
  const heard = new Set();
  const model = {
    get: (name) => ({page, height: 820})[name],
    on: (name, act) => heard.add(act),
    off: (name, act) => heard.delete(act),
    send: (content, callbacks, buffers = []) => hear(JSON.stringify(content), buffers.map(base)),
  };
  globalThis.show = () => {
    const el = document.body.appendChild(document.createElement("div"));
    globalThis.leave = widget.default.render({model, el});
  };
  show();
  (async () => {
    for (;;) {
      for (const [content, frames] of await told()) {
        const buffers = frames.map((frame) => new DataView(bytes(`AAAA${frame}`).buffer, 3)); // as Jupyter has them
        for (const act of heard) act(content, buffers);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
}"""


@pytest.fixture
def notebook(browser):
    """Opens a stand-in for a notebook in which the studio is shown; gives its page."""
    told, faults = queue.Queue(), []
    views = Views(lambda content, buffers: told.put((content, buffers)), lambda: Session(STATE))

    def waiting():
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                content, buffers = told.get_nowait()
                found.append([content, [base64.b64encode(data).decode() for data in buffers]])
        return found

    def hear(content, buffers):
        views.hear(json.loads(content), [base64.b64decode(data) for data in buffers])

    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en")
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("request", lambda request: request.url.startswith(("http", "ws")) and faults.append(request.url))
    page.expose_function("hear", hear)
    page.expose_function("told", waiting)
    page.evaluate(HOST, {"code": (PAGE / "widget.js").read_text(), "page": document()})
    yield page, views
    context.close()
    views.close()
    assert faults == []  # nothing went wrong, and nothing was fetched from anywhere


def studio_of(page, index=0):
    """The studio's own page, in its frame."""
    page.locator("iframe").nth(index).wait_for()
    frame = page.locator("iframe").nth(index).element_handle().content_frame()
    frame.locator("[data-unit]").first.wait_for()
    return frame


def test_the_studio_learns_in_a_notebook(notebook):
    page, views = notebook
    frame = studio_of(page)
    shown(frame, "[data-plane=a]")
    frame.locator('[data-do="update"]').click()
    at_update(frame, 1)
    session = Session(STATE)
    session.seek(1)
    weights = session.first.timeline.network.params["0"]["weight"]
    assert frame_numbers(frame, "param/0/weight") == weights.ravel().tolist()
    press_play(frame, 30)
    frame.locator('[data-language="ko"]').click()
    until(frame, "document.documentElement.lang === 'ko'")
    frame.locator('[data-tab="code"]').click()
    frame.locator(".code-block").first.wait_for()
    assert frame.locator('[data-copy="link"]').count() == 0  # there is no address here
    page.evaluate("leave()")
    for _ in range(200):
        if not views.worker.clients:
            break
        page.wait_for_timeout(20)
    assert views.worker.clients == []


def test_moved_within_the_notebook_it_begins_anew_where_it_was(notebook):
    page, views = notebook
    frame = studio_of(page)
    frame.locator('[data-do="update"]').click()
    at_update(frame, 1)
    page.evaluate("document.body.append(document.querySelector('iframe').parentElement)")  # as a cell that is dragged
    frame = studio_of(page)
    at_update(frame, 1)
    frame.locator('[data-do="update"]').click()
    at_update(frame, 2)
    assert len(views.worker.clients) == 1  # what was there before has said that it has gone


def test_the_page_has_neither_the_notebooks_storage_nor_a_link(notebook):
    page, _ = notebook
    frame = studio_of(page)
    assert (
        frame.evaluate("""() => {
        try { return String(parent.document.title); } catch (error) { return error.name; }
    }""")
        == "SecurityError"
    )
    assert frame.evaluate("(() => { try { return localStorage.length; } catch (error) { return error.name; } })()") == (
        "SecurityError"
    )
    frame.locator('[data-tab="exercises"]').click()
    frame.locator('[data-do="for-a-class"]').click()
    frame.locator('[data-do="make-link"]').click()
    assert frame.locator('[data-made="command"]').inner_text().startswith("backlit studio")
    assert frame.locator('[data-made="link"]').count() == 0


def test_a_port_of_anyone_else_is_not_taken(notebook):
    page, _ = notebook
    assert (
        page.evaluate(
            """async (text) => {
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.srcdoc = text;
        await new Promise((resolve) => frame.addEventListener("load", resolve));
        const other = document.body.appendChild(document.createElement("iframe"));
        const { port1, port2 } = new MessageChannel();
        const taken = new Promise((resolve) => {
            port1.onmessage = () => resolve(true);
            setTimeout(() => resolve(false), 500);
        });
        const send = other.contentWindow.Function("frame", "port", 'frame.postMessage("backlit-studio", "*", [port])');
        send(frame.contentWindow, port2);
        port1.postMessage({ status: "open" });
        return await taken;
    }""",
            document(),
        )
        is False
    )


def test_shown_twice_both_see_the_same(notebook):
    page, _ = notebook
    first = studio_of(page)
    page.evaluate("show()")
    second = studio_of(page, 1)
    first.locator('[data-do="update"]').click()
    at_update(second, 1)
    name = first.locator("input[type=file]").first
    name.set_input_files({"name": "own.csv", "mimeType": "text/csv", "buffer": b"a,b,kind\n" + b"1,2,x\n3,4,y\n" * 9})
    until(first, "studio.store.state.uploaded?.rows === 18")
