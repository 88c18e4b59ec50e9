"""The studio in a notebook: a session in the kernel, talked to through a widget."""

import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.studio import watched
from backlit.studio.bundle import document
from backlit.studio.notebook import MOST_VIEWS, Studio, Views
from backlit.studio.session import Session
from backlit.studio.sharing import link_of
from backlit.studio.state import State
from backlit.studio.watched import Watched
from backlit.studio.wire import packed, unpacked

SMALL = State.from_dict({"data": {"rows": 60}, "network": {"layers": [{"units": 3}]}, "training": {"engine": "numpy"}})


class Kernel:
    """The kernel's side, with a queue in the widget's place."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[dict[str, Any], list[bytes]]] = queue.Queue()
        self.views = Views(lambda content, buffers: self.told.put((content, buffers)), lambda: Session(SMALL))

    def ask(self, view: str, kind: str, **parts: Any) -> None:
        self.views.hear({"view": view, "text": json.dumps({"type": kind, **parts})})

    def until(self, kind: str, view: str = "a") -> dict[str, Any]:
        """The next message of a kind to a view; frames with their arrays."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            content, buffers = self.told.get(timeout=20)
            message, arrays = (json.loads(content["text"]), {}) if "text" in content else unpacked(buffers[0])
            if content["view"] == view and message.get("type") == kind:
                return {**message, "arrays": arrays}
        raise AssertionError(kind)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.views.close()


def test_a_page_in_a_notebook_has_a_session_in_the_kernel(kernel: Kernel) -> None:
    kernel.ask("a", "hello", version=1)
    assert kernel.until("state")["state"]["network"]["layers"][0]["units"] == 3
    assert kernel.until("frame")["update"] == 0
    kernel.ask("a", "seen", frame=1)
    kernel.ask("a", "step", updates=2, id=5)
    assert kernel.until("done")["at"]["update"] == 2
    frame = kernel.until("frame")
    session = Session(SMALL)
    session.seek(2)
    theirs = session.first.timeline.network.params["0"]["weight"]
    np.testing.assert_array_equal(frame["arrays"]["param/0/weight"], theirs)


def test_two_places_that_show_it_see_the_same_session(kernel: Kernel) -> None:
    for view in "ab":
        kernel.ask(view, "hello", version=1)
        kernel.until("frame", view)
        kernel.ask(view, "seen", frame=1)
    kernel.ask("a", "step", updates=3)
    assert kernel.until("frame", "b")["update"] == 3
    kernel.views.hear({"view": "b", "gone": True})
    assert len(kernel.views.worker.clients) == 1
    for number in range(2 * MOST_VIEWS):
        kernel.ask(f"more{number}", "look", grid=10)
    assert len(kernel.views.worker.clients) == MOST_VIEWS


def test_a_ninth_place_is_told_of_and_the_first_comes_back_when_it_is_used(kernel: Kernel) -> None:
    kernel.ask("a", "hello", version=1)
    kernel.until("frame")
    for number in range(MOST_VIEWS):
        kernel.ask(f"more{number}", "hello", version=1)
    assert kernel.until("error")["what"]["en"].startswith("the studio is shown in more than 8 places")
    kernel.ask("a", "step", updates=1, id=1)  # its click is done, and it is asked to greet anew
    while kernel.told.get(timeout=20) != ({"view": "a", "text": '{"status":"open"}'}, []):
        pass
    assert kernel.until("done")["at"]["update"] == 1
    kernel.ask("a", "hello", version=1)
    assert kernel.until("frame")["update"] == 1


def at(kernel: Kernel) -> int:
    session = kernel.views.worker.session
    assert session is not None
    return session.furthest


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_plays_waits_for_a_page_that_answers(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tab that was closed, or a cell that runs: frames aren't taken, and nobody says that the page has gone."""
    monkeypatch.setattr(watched, "ANSWER_SECONDS", 0.2)
    kernel.ask("a", "hello", version=1)
    kernel.until("frame")
    kernel.ask("a", "seen", frame=1)
    kernel.ask("a", "play", speed=1)
    eventually(lambda: at(kernel) > 0)
    time.sleep(0.5)
    here = at(kernel)
    time.sleep(0.4)
    assert at(kernel) == here  # about 24 updates more, if it went on
    kernel.ask("a", "seen", frame=2)
    eventually(lambda: at(kernel) > here)
    monkeypatch.setattr(watched, "GONE_SECONDS", 0.3)
    eventually(lambda: kernel.views.worker.clients == [])


def test_without_a_page_the_session_rests_and_comes_back(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.ask("a", "hello", version=1)
    kernel.ask("a", "step", updates=5, id=1)
    kernel.until("done")
    worker = kernel.views.worker
    before = worker.network.params["0"]["weight"]
    kernel.views.hear({"view": "a", "gone": True})
    assert worker.again is None  # a page that is loaded again finds it as it was
    monkeypatch.setattr(watched, "REST_SECONDS", -1.0)
    eventually(lambda: worker.again is not None)
    worker._thread.join(20)
    assert not worker._thread.is_alive()
    assert worker.session is None
    np.testing.assert_array_equal(worker.network.params["0"]["weight"], before)
    monkeypatch.undo()
    kernel.ask("b", "hello", version=1)
    while kernel.until("frame", "b")["update"] < 5:
        kernel.ask("b", "seen", frame=1)
    assert kernel.views.worker is not worker
    np.testing.assert_array_equal(kernel.views.worker.network.params["0"]["weight"], before)


def test_pages_at_which_nobody_does_anything_for_an_hour_are_let_go(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.ask("a", "hello", version=1)
    kernel.until("frame")
    monkeypatch.setattr(watched, "IDLE_SECONDS", -1.0)
    eventually(lambda: kernel.views.worker.clients == [])
    monkeypatch.undo()
    kernel.ask("a", "step", updates=1, id=1)  # the page is open still
    assert kernel.until("done")["at"]["update"] == 1


def test_a_session_that_cannot_be_made_has_no_network() -> None:
    def missing() -> Session:
        raise InputError("data: this file isn't here any more")

    worker = Watched(missing)
    with pytest.raises(InputError, match="couldn't begin with what was asked for: data: this file isn't here any more"):
        _ = worker.network
    worker.stop()


def test_a_file_comes_as_a_buffer_and_nonsense_is_refused(kernel: Kernel) -> None:
    kernel.ask("a", "hello", version=1)
    kernel.until("data")
    csv = np.frombuffer(b"a,b,kind\n" + b"".join(b"%d,%d,%d\n" % (i, i % 5, i % 2) for i in range(20)), np.uint8)
    upload = packed({"type": "upload", "name": "own.csv", "kind": "table", "id": 1}, {"file": csv})
    kernel.views.hear({"view": "a"}, [memoryview(upload)])
    assert kernel.until("uploaded")["rows"] == 20
    for content, buffers in (({"view": "a"}, [b"nonsense"]), ({"view": "a"}, []), ({"view": "a", "text": "{"}, [])):
        kernel.views.hear(content, buffers)
        assert kernel.until("error")["what"]["en"]
    for content in (None, [], {"text": "{}"}, {"view": 1}):
        kernel.views.hear(content)
    kernel.ask("a", "step", updates=1, id=2)
    assert kernel.until("done")["at"]["update"] == 1


def test_without_anywidget_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(InputError, match=r"pip install 'backlit\[notebook\]' \(anywidget isn't installed\)"):
        bl.Studio()


@pytest.fixture
def studio() -> Iterator[Callable[..., Studio]]:
    pytest.importorskip("anywidget", reason="anywidget isn't installed")
    made: list[Studio] = []

    def make(*given: Any, **options: Any) -> Studio:
        made.append(bl.Studio(*given, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_widget_of_anywidget_has_the_page_and_carries_messages(
    studio: Callable[..., Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = studio(state=link_of(SMALL))
    told: queue.Queue[tuple[Any, Any]] = queue.Queue()
    monkeypatch.setattr(shown._widget, "send", lambda content, buffers: told.put((content, buffers)))
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()[0]
    assert shown._widget.get_state()["page"] == document()
    hello = {"view": "a", "text": json.dumps({"type": "hello", "version": 1})}
    shown._widget._handle_custom_msg(hello, [])  # as a comm hands it on
    assert json.loads(told.get(timeout=20)[0]["text"])["type"] == "welcome"
    assert shown.network.params["0"]["weight"].shape == (3, 2)


def test_a_run_is_shown_with_its_weights(studio: Callable[..., Studio]) -> None:
    x = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    run = bl.fit(bl.Linear(2), x, x[:, 0] > 0, epochs=1, engine="numpy", progress=False)
    shown = studio(run)
    for one, other in zip(tree.leaves(shown.network.params), tree.leaves(run.network.params), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((bl.Linear(2),), {}, "expected a run, or a run's folder"),
        ((), {"height": 10}, "from 300 to 4000, got 10"),
        (("nowhere",), {"state": "{}"}, "a run or a state, not both"),
        ((), {"x": [1]}, "x and y are those of a run"),
        ((), {"y": [1]}, "x and y are those of a run"),
    ],
)
def test_what_cannot_be_shown_is_told(
    studio: Callable[..., Studio], given: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        studio(*given, **options)


def test_the_page_in_one_document_fetches_nothing() -> None:
    text = document()
    head = text.partition("</head>")[0]
    assert '<link rel="stylesheet"' not in head
    assert 'src="main.js"' not in head
    assert "src=" not in text.replace('src="data:', "").partition("<body>")[0].partition("<script")[0]
    assert text.count("</script>") == 1
    assert "class WorkerTransport" in text
    assert 'src="icon.svg"' not in text
    assert len(text) < 1_000_000


@pytest.mark.slow
def test_a_kernel_of_jupyter_carries_the_messages() -> None:
    """The real way: a kernel, its comm, a frame's bytes as a buffer; sent by the session's own thread."""
    pytest.importorskip("anywidget", reason="anywidget isn't installed")
    client_of = pytest.importorskip("jupyter_client.manager", reason="Jupyter isn't installed")
    manager, client = client_of.start_new_kernel(kernel_name="python3")
    try:
        client.execute(f"import backlit as bl\nstudio = bl.Studio(state={link_of(SMALL)!r})\nstudio")
        comm = mimes = None
        end = time.monotonic() + 120
        while comm is None or mimes is None:
            message = client.get_iopub_msg(timeout=60)
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "comm_open" and "page" in message["content"]["data"]["state"]:
                comm = message["content"]["comm_id"]
            if message["msg_type"] in ("execute_result", "display_data"):
                mimes = message["content"]["data"]
        assert mimes["application/vnd.jupyter.widget-view+json"]["model_id"] == comm

        def ask(kind: str, **parts: Any) -> None:
            text = json.dumps({"type": kind, **parts})
            data = {"method": "custom", "content": {"view": "a", "text": text}}
            client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

        ask("hello", version=1)
        ask("step", updates=2)
        updates = []
        while 2 not in updates:
            assert time.monotonic() < end, updates
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "comm_msg" and message["buffers"]:
                frame = unpacked(bytes(message["buffers"][0]))[0]
                if frame["type"] == "frame":
                    updates.append(frame["update"])
                    ask("seen", frame=frame["frame"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
