"""Before JAX joins processes, each says who it is: what doesn't fit ends all of them with the same words."""

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backlit.distributed import roll_call
from backlit.distributed.places import Place
from backlit.errors import DistributedWarning, InputError


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def place(port: int, process: int, processes: int, host: str = "127.0.0.1") -> Place:
    return Place("by hand", process, processes, f"{host}:{port}")


def outcomes(places: list[Place], wait: float = 20.0) -> list[str]:
    """What each of several processes is told: nothing, or what is wrong."""

    def told(each: Place) -> str:
        try:
            roll_call.answered(each, wait)
        except InputError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(told, places))


def test_all_are_there(port):
    assert outcomes([place(port, number, 4) for number in (3, 1, 0, 2)]) == [""] * 4
    with socket.create_server(("127.0.0.1", port)):  # JAX may have the port now
        pass


def test_a_number_given_twice_is_told_to_all(port):
    told = outcomes([place(port, number, 4) for number in (0, 1, 1)])
    host = roll_call.platform.node()
    expected = f"process number 1 is given twice, on {host} and {host}: each process needs a number of its own"
    assert told == [expected] * 3


def test_the_coordinators_own_number_given_twice(port):
    told = outcomes([place(port, 0, 2), place(port, 0, 2)], wait=1.0)
    assert f"127.0.0.1:{port}: another program has this port: choose another one" in told


def test_a_number_out_of_range(port):
    wrong = Place("by hand", 5, 3, f"127.0.0.1:{port}")  # `checked` refuses it where it is typed
    told = outcomes([place(port, 0, 3), wrong])
    host = roll_call.platform.node()
    expected = f"a process on {host} has number 5, which is none of 3, which are 0 to 2: each needs a number of its own"
    assert told == [expected] * 2


def test_different_numbers_of_processes(port):
    told = outcomes([place(port, 0, 2), place(port, 1, 3)])
    expected = f"process 1 (on {roll_call.platform.node()}) is one of 3, process 0 one of 2"
    assert told == [expected] * 2


@pytest.mark.parametrize("name", ["backlit", "jax", "numpy"])
def test_different_versions(port, monkeypatch, name):
    real = roll_call.facts

    def facts(where: Place) -> dict:
        mine = real(where)
        return mine if where.process == 0 else {**mine, "versions": {**mine["versions"], name: "0.0.1"}}

    here = real(place(port, 0, 2))["versions"][name]
    monkeypatch.setattr(roll_call, "facts", facts)
    host = roll_call.platform.node()
    expected = (
        f"process 1 (on {host}) has {name} 0.0.1, process 0 (on {host}) has {here}: install the same version everywhere"
    )
    assert outcomes([place(port, 0, 2), place(port, 1, 2)]) == [expected] * 2


def test_a_process_that_doesnt_come(port):
    told = outcomes([place(port, 0, 4), place(port, 2, 4)], wait=1.0)
    expected = (
        f"process 1, 3 of 4 didn't come to 127.0.0.1:{port} within 1 s: look at how it was started, and whether its "
        "machine reaches that address"
    )
    assert told == [expected] * 2


def test_nobody_at_the_address(port):
    [told] = outcomes([place(port, 1, 2)], wait=1.0)
    assert told == (
        f"process 1 of 2 found no process 0 at 127.0.0.1:{port} within 1 s (Connection refused): look at the address, "
        "and whether process 0 has been started"
    )


def test_a_host_that_isnt_known(port):
    [told] = outcomes([place(port, 1, 2, "nobody.invalid")], wait=1.0)
    assert told.startswith(f"process 1 of 2 found no process 0 at nobody.invalid:{port} within 1 s (")


def test_an_address_of_another_machine(port):
    with pytest.raises(InputError, match=r"process 0 can't listen at \[2001:db8::1\]:\d+ \(.*\): give an address of"):
        roll_call._refuse(place(port, 0, 2, "[2001:db8::1]"), OSError(99, "Cannot assign requested address"))


def test_a_port_that_is_taken(port):
    with socket.create_server(("127.0.0.1", port)):
        [told] = outcomes([place(port, 0, 2)])
    assert told == f"127.0.0.1:{port}: another program has this port: choose another one"


def test_who_isnt_one_of_us_is_passed_over(port):
    """Something else that connects: a browser, a scanner, one that says nothing or goes on and on."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(roll_call.answered, place(port, 0, 2), 20.0)
        silent = connected(port)
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b'{"process": 1}\n', b"x" * 10_000, b"\xff\n"):
            with connected(port) as odd:
                odd.sendall(words)
                odd.settimeout(5)
                with contextlib.suppress(ConnectionResetError):
                    assert odd.recv(1) == b""
        roll_call.answered(place(port, 1, 2), 20.0)
        first.result(10)
        silent.close()


def connected(port: int) -> socket.socket:
    until = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_process_that_was_started_again(port):
    """Its first try is forgotten: the number isn't given twice."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(roll_call.answered, place(port, 0, 3), 20.0)
        with connected(port) as gone:
            gone.sendall(json.dumps(roll_call.facts(place(port, 1, 3))).encode() + b"\n")
            time.sleep(0.3)
        time.sleep(0.3)
        others = [pool.submit(roll_call.answered, place(port, number, 3), 20.0) for number in (1, 2)]
        for each in (first, *others):
            each.result(10)


def test_waiting_is_told(port, monkeypatch):
    monkeypatch.setattr(roll_call, "NEWS", 0.0)
    with pytest.warns(DistributedWarning) as told, pytest.raises(InputError):
        roll_call.answered(place(port, 0, 3), 1.0)
    assert str(told[0].message) == f"process 0 of 3 at 127.0.0.1:{port} waits for 2 of them: 1, 2"
    with pytest.warns(DistributedWarning) as told, pytest.raises(InputError):
        roll_call.answered(place(port, 1, 3), 1.0)
    assert str(told[0].message) == f"process 1 of 3 waits for process 0 at 127.0.0.1:{port}"


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("localhost", True), ("node7", False)])
def test_the_coordinator_listens_on_its_own_machine_unless_told_otherwise(port, host, own):
    with roll_call._listening(place(port, 0, 2, host)) as server:
        assert (server.getsockname()[0] == "127.0.0.1") == own
