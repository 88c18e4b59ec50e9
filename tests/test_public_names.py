"""The public names, as `backlit/__init__.pyi` lists them: all there, all documented."""

import inspect
import re
from typing import Any

import pytest

import backlit as bl


def test_names_are_listed_once_and_sorted_out_of_the_stub() -> None:
    assert len(set(bl.__all__)) == len(bl.__all__) >= 30
    assert sorted(dir(bl)) == sorted(bl.__all__)


def everything() -> dict[str, Any]:
    """Public names of `bl`, and those of its public modules: "Linear", "optim.AddMomentum"."""
    found = {name: getattr(bl, name) for name in bl.__all__ if name != "__version__"}
    for module, inside in [(name, thing) for name, thing in found.items() if inspect.ismodule(thing)]:
        for name in getattr(inside, "__all__", vars(inside)):
            thing = getattr(inside, name)
            own = hasattr(inside, "__all__") or getattr(thing, "__module__", "") == inside.__name__
            if own and callable(thing) and not name.startswith("_"):
                found[f"{module}.{name}"] = thing
    return found


def summary(thing: Any) -> str:
    """The docstring's first paragraph; a class must have its own, a method may have its base's."""
    own = thing.__dict__.get("__doc__") if inspect.isclass(thing) else inspect.getdoc(thing)
    return inspect.cleandoc(own or "").split("\n\n")[0].replace("\n", " ")


@pytest.mark.parametrize("name", sorted(everything()))
def test_public_name_is_documented(name: str) -> None:
    thing = everything()[name]
    own = summary(thing)
    assert own, f"bl.{name} has no docstring"
    # A dataclass without a docstring gets its signature for one.
    assert not own.startswith(f"{name.rpartition('.')[2]}("), f"bl.{name} has only the docstring that dataclasses make"
    assert re.search(r"\w+ .*[.:]$", own), f"bl.{name}: its docstring doesn't begin with a summary: {own!r}"
    if inspect.isclass(thing):
        for method, function in inspect.getmembers(thing, inspect.isfunction):
            if not method.startswith("_") and function.__module__.startswith("backlit."):
                assert re.search(r"\w+ .*[.:]$", summary(function)), f"bl.{name}.{method} has no summary"


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match="backlit attribute sequential"):
        bl.sequential  # noqa: B018
