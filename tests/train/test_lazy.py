"""Work that is put off."""

import gc
import weakref
from functools import partial

import pytest

from backlit.train.lazy import Lazy, now


class Thing:
    """Something that can be let go."""


def test_work_is_done_once_and_what_it_needed_is_let_go():
    things, done = [Thing()], []

    def work(thing):
        done.append(repr(thing))
        return len(done)

    later = Lazy(partial(work, things[0]))
    gone = weakref.ref(things.pop())
    assert gone() is not None
    assert not done
    assert (later(), later(), now(later)) == (1, 1, 1)
    gc.collect()
    assert gone() is None


def test_work_that_fails_can_be_asked_for_again():
    tries = []

    def work():
        tries.append(1)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return "done"

    later = Lazy(work)
    with pytest.raises(KeyboardInterrupt):
        later()
    assert later() == "done"


def test_what_is_there_already_is_itself():
    assert now([1]) == [1]
    assert now(None) is None
