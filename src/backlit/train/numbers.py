"""Numbers apart from forms: a program is compiled for an optimizer's or network's form, and its rate is an argument.

So trainings that differ in a learning rate (a schedule's, too), momentum, decay, dropout or a penalty's strength run
one compiled program. Which fields can be arguments a class says by ``numbers``; a number of 0 stays in the form, as
what leaves a step out. What a user defines isn't taken apart: its code may decide by the values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from backlit.optim.transform import Optimizer


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where a number was."""


SLOT = Slot()


@dataclasses.dataclass(frozen=True)
class Form:
    """What is left of an optimizer: its steps, and its name, by which a chain calls its state."""

    title: str
    chain: Any

    def init(self, params: Any) -> Any:
        """The optimizer's state before the first update."""
        return self.chain.init(params)

    def update(self, gradients: Any, state: Any, params: Any, step: Any) -> Any:
        """The optimizer's update, once the numbers are in their places."""
        return self.chain.update(gradients, state, params, step)


def apart(thing: Any) -> tuple[Any, tuple[float, ...]]:
    """The form of an optimizer, penalty or architecture, and its numbers in their order.

    Examples
    --------
    >>> from backlit import optim
    >>> form, numbers = apart(optim.SGD(0.1, momentum=0.9))
    >>> numbers, form == apart(optim.SGD(0.5, momentum=0.8))[0], form == apart(optim.SGD(0.1))[0]
    ((0.9, 0.1), True, False)
    """
    found: list[float] = []

    def take(value: Any) -> Any:
        found.append(value)
        return SLOT

    return _changed(thing, take, lambda value: type(value) in (float, int) and bool(value)), tuple(found)


def together(form: Any, numbers: Any) -> Any:
    """The inverse of `apart`; the numbers may be arrays of a program that is being compiled.

    Examples
    --------
    >>> from backlit import optim
    >>> together(*apart(optim.SGD(0.1))).chain == optim.SGD(0.1).chain
    True
    """
    remaining: Iterator[Any] = iter(numbers)
    return _changed(form, lambda _: next(remaining), lambda value: value is SLOT)


def _changed(thing: Any, change: Any, chosen: Any) -> Any:
    """`thing` with the chosen ones among its numbers changed; it isn't checked anew, as arrays wouldn't pass."""
    if isinstance(thing, tuple):
        parts = [_changed(part, change, chosen) for part in thing]
        return thing if _all_same(parts, thing) else tuple(parts)
    own = type(thing).__module__.startswith("backlit.")
    if not own or not dataclasses.is_dataclass(thing) or isinstance(thing, (type, Slot)):
        return thing
    if isinstance(thing, Optimizer):
        return Form(type(thing).__name__, _changed(thing.chain, change, chosen))
    numbers = getattr(thing, "numbers", ())
    before = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    after = {
        name: change(value) if name in numbers and chosen(value) else _changed(value, change, chosen)
        for name, value in before.items()
    }
    if _all_same(after.values(), before.values()):
        return thing
    made = object.__new__(type(thing))
    for name, value in after.items():
        object.__setattr__(made, name, value)
    return made


def _all_same(new: Iterable[Any], old: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(new, old, strict=True))
