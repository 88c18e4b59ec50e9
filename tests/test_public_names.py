"""The public names, as `backlit/__init__.pyi` lists them: all there, all documented."""

import inspect

import pytest

import backlit as bl


def test_names_are_listed_once_and_sorted_out_of_the_stub() -> None:
    assert len(set(bl.__all__)) == len(bl.__all__) >= 30
    assert sorted(dir(bl)) == sorted(bl.__all__)


@pytest.mark.parametrize("name", sorted(set(bl.__all__) - {"__version__"}))
def test_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(bl, name)
    own = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert own, f"bl.{name} has no docstring"
    # A dataclass without a docstring gets its signature for one.
    assert not own.startswith(f"{name}("), f"bl.{name} has only the docstring that dataclasses make"


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match="backlit attribute sequential"):
        bl.sequential  # noqa: B018
