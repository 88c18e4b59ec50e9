"""Methods whose work is done in a room above must find it."""

import importlib
import inspect
import pkgutil

import pytest

import backlit
from backlit.errors import InputError
from backlit.extras import need
from backlit.verbs import Verb, verb

ROOMS = ("nn", "train", "inspect", "doctor")  # whose classes may have such methods


def verbs() -> dict[str, Verb]:
    """Every verb of the classes in the lower rooms, by its full name."""
    found = {}
    for room in ROOMS:
        package = importlib.import_module(f"backlit.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if cls.__module__ == module.name:
                    found |= {f"{name}.{key}": value for key, value in vars(cls).items() if isinstance(value, Verb)}
    return found


@pytest.mark.parametrize(("name", "method"), verbs().items())
def test_every_verb_finds_the_function_that_does_its_work(name: str, method: Verb) -> None:
    assert callable(method.function), name
    assert method.__doc__, name


def test_a_verb_whose_function_is_gone_is_an_error() -> None:
    class Thing:
        lost = verb("backlit.errors:no_such_function", "Nothing.")

    assert isinstance(Thing.lost, Verb)
    with pytest.raises(AttributeError, match="no_such_function"):
        Thing().lost()


def test_a_library_that_is_not_installed_is_told_with_its_extra() -> None:
    with pytest.raises(InputError, match=r"pip install 'backlit\[torch\]'"):
        need("torch_that_is_not_there", extra="torch", why="taking networks from PyTorch")


def test_what_is_installed_is_given() -> None:
    assert need("backlit", extra="none", why="a test") is backlit
