"""The studio in this process, for a class: each browser that comes with the token has a session of its own."""

import contextlib
import threading
import time

from backlit.studio.guard import Guard
from backlit.studio.server import application, listening
from backlit.studio.session import Session
from backlit.studio.state import State, TrainingState

SEATS = 200
STATE = State(training=TrainingState(engine="numpy"))  # nothing to compile


@contextlib.contextmanager
def running_studio(port=0, session=lambda: Session(STATE)):
    """Gives `address()`, with the token; `session()` makes what each browser begins with."""
    import uvicorn

    listener, port = listening("127.0.0.1", port)
    guard = Guard(port, "127.0.0.1", seats=SEATS)
    server = uvicorn.Server(uvicorn.Config(application(guard, session), log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield lambda: f"http://127.0.0.1:{port}/?token={guard.token}"
    server.should_exit = True
    thread.join(10)
    listener.close()
