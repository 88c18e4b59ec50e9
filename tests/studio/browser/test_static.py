"""The page as files: Python in the browser's worker.

Pyodide itself is tried as far as it is there (`make pyodide` fetches its core); NumPy's wheel for it comes from a
release of Pyodide. Where it isn't, a stand-in has Pyodide's calls and hands them to a Python
that has NumPy and nothing else.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
import numpy as np
from playwright.sync_api import expect

from backlit.studio import static
from backlit.studio.session import Session
from backlit.studio.sharing import link_of
from backlit.studio.state import State
from tests.studio.browser.watching import at_update, frame_numbers, press_play, shown, units_of, until

HERE = Path(__file__).parent / "standin"
ROOT = Path(__file__).resolve().parents[3]
PYODIDE = Path(os.environ.get("BACKLIT_PYODIDE") or ROOT / "build" / "pyodide")
PATIENCE = 60_000  # milliseconds: a Python starts
SMALL = State.from_dict({"data": {"rows": 60}, "network": {"layers": [{"units": 3}]}, "training": {"engine": "numpy"}})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static") / "page"
    static.write(folder)
    return folder


@pytest.fixture
def serving(tmp_path):
    """Serves a folder: gives its address."""
    servers = []

    def served(folder):
        packages = str(Path(np.__file__).parents[1])
        command = [sys.executable, "-S", str(HERE / "serving.py"), str(folder), packages]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        return f"http://127.0.0.1:{int(server.stdout.readline())}/"

    yield served
    for server in servers:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.fixture
def address(written, serving, tmp_path):
    """Of the page with the stand-in in Pyodide's place."""
    folder = tmp_path / "page"
    shutil.copytree(written, folder)
    (folder / static.PYODIDE).mkdir()
    shutil.copy(HERE / "pyodide.mjs", folder / static.PYODIDE)
    return serving(folder)


def test_a_network_learns_in_the_page_without_a_server(address, open_page):
    sockets, asked = [], []

    def watch(page):
        page.on("websocket", lambda socket: sockets.append(socket))
        page.on("request", lambda request: asked.append(request.url))

    page = open_page(address=f"{address}#{link_of(SMALL)}", before=watch, ready=False)
    page.locator("[data-unit]").first.wait_for(timeout=PATIENCE)
    until(page, "studio.store.state.spec?.network.layers[0].units === 3")
    assert units_of(page) == [2, 3, 2]
    shown(page, "[data-plane=a]")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)
    session = Session(SMALL)
    session.seek(1)
    weights = session.first.timeline.network.params["0"]["weight"]
    assert frame_numbers(page, "param/0/weight") == weights.ravel().tolist()  # the bits of a server's session
    press_play(page, 20)
    page.locator('[data-set="iris"]').click()  # scikit-learn's, which isn't there
    until(page, "studio.store.state.data?.rows === 150")
    assert sockets == []
    assert all(url.startswith(address) for url in asked)


def test_what_needs_a_library_that_is_not_there_is_said(address, open_page, tmp_path):
    page = open_page("ko", address=address, ready=False)
    page.locator("[data-unit]").first.wait_for(timeout=PATIENCE)
    (tmp_path / "own.csv").write_text("a,b,kind\n" + "".join(f"{i},{i % 5},{i % 2}\n" for i in range(20)))
    page.locator("input[type=file]").first.set_input_files(tmp_path / "own.csv")
    expect(page.locator(".messages")).to_contain_text("polars가 필요한데, 이 브라우저의 파이썬에는 없습니다.")
    page.locator('[data-do="update"]').click()
    at_update(page, 1)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Pyodide, the Python for browsers, isn't at "), ("ko", "Pyodide가 다음 주소에 없습니다")],
)
def test_a_page_without_pyodide_says_where_it_looked(browser, written, serving, language, text):
    address = serving(written)
    context = browser.new_context(locale=language)
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".connection")).to_contain_text(text, timeout=PATIENCE)
    expect(page.locator(".connection")).to_contain_text(f"{address}pyodide/pyodide.mjs")
    context.close()


def test_the_worker_needs_webassembly_and_says_so(browser, written, serving):
    context = browser.new_context()
    context.route(
        "**/worker-pyodide.js",
        lambda route: route.fulfill(
            response=route.fetch(),
            headers={"Content-Type": "text/javascript", "Content-Security-Policy": "script-src 'self'"},
        ),
    )
    page = context.new_page()
    page.goto(serving(written))
    expect(page.locator(".connection")).to_contain_text("must allow 'wasm-unsafe-eval'", timeout=PATIENCE)
    context.close()


@pytest.mark.skipif(not (PYODIDE / "pyodide.mjs").is_file(), reason="Pyodide isn't in build/pyodide: make pyodide")
def test_pyodide_itself_starts_under_the_pages_policy(browser, written, serving, tmp_path):
    """As far as its files are there: up to NumPy, or to a network that learns."""
    folder = tmp_path / "page"
    shutil.copytree(written, folder)
    shutil.copytree(PYODIDE, folder / static.PYODIDE)
    whole = static.missing(folder / static.PYODIDE) == []
    context = browser.new_context()
    context.route(
        "**/*",
        lambda route: route.fulfill(
            response=(response := route.fetch()),
            headers={**response.headers, "content-security-policy": static.POLICY.format(from_there="")},
        ),
    )
    page = context.new_page()
    page.goto(serving(folder))
    if whole:
        page.locator("[data-unit]").first.wait_for(timeout=PATIENCE)
        page.locator('[data-do="update"]').click()
        at_update(page, 1)
    else:
        page.locator(".connection", has_text="NumPy's wheel, which belongs to Pyodide").wait_for(timeout=PATIENCE)
    context.close()
