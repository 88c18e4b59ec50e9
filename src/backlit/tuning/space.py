"""Spaces of settings: what may be tried, by name, in words as people type them or as Python has them.

lr=1e-4..1e-1               a range; over a factor of ten and more evenly by its logarithm
lr=log:1e-4..1e-1           by the logarithm, or linear:0..0.5
batch_size=16..256          whole numbers where the setting is one
network=mlp:64,mlp:64,64    a list: a comma before a name begins the next value
network=wired:8,a-b|mlp:8   or | between values that have commas of their own
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backlit import optim
from backlit.errors import InputError, shown, unknown
from backlit.settings import Declaration, declared
from backlit.tasks.choose import is_given, parsed
from backlit.tasks.options import Options

RATIO = 10.0  # of its ends, from which on a range is tried by the logarithm
DIGITS = 3  # of numbers that are drawn: so many can be typed again
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"(?:(log|linear):)?\s*({NUMBER})\s*\.\.\s*({NUMBER})", re.ASCII)
ALIASES = {"lr": "learning_rate"}
# Of `Options`: what a candidate may differ in. The others are of the search itself: epochs, which it deals out, the
# split, the loss, by which it ranks.
OF_OPTIONS = (
    "network", "activation", "initializer", "dropout", "dropconnect", "optimizer", "learning_rate", "schedule",
    "batch_size", "l1", "l2", "augment", "seed",
)  # fmt: skip
# Arguments of the compiled program, which other settings are compiled for.
NUMBERS = ("learning_rate", "weight_decay", "momentum", "l1", "l2", "dropout", "dropconnect", "seed")


@dataclass(frozen=True)
class Interval:
    """Numbers between two ends, both included, drawn evenly or by their logarithm."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def count(self) -> float:
        """How many different values it has."""
        return self.high - self.low + 1 if self.whole else 1.0 if self.low == self.high else math.inf

    def at(self, share: float) -> float | int:
        """The number at a share in [0, 1) of the way."""
        if self.whole and not self.log:
            return int(self.low + math.floor(share * (self.high - self.low + 1)))
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        if self.whole:
            return int(min(self.high, max(self.low, round(value))))
        return float(min(self.high, max(self.low, float(f"{value:.{DIGITS}g}"))))

    def __contains__(self, value: Any) -> bool:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}" + (" (log)" if self.log else "")


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    @property
    def count(self) -> float:
        """How many there are."""
        return float(len(self.values))

    def at(self, share: float) -> Any:
        """The value at a share in [0, 1) of the list."""
        return self.values[int(share * len(self.values))]

    def __contains__(self, value: Any) -> bool:
        return any(type(value) is type(one) and value == one for one in self.values)

    def __str__(self) -> str:
        return " | ".join(map(str, self.values))


Space = dict[str, Interval | Choice]


def of_optimizers() -> dict[str, Declaration]:
    """Settings of the optimizers that have a name, besides the learning rate."""
    found: dict[str, Declaration] = {}
    for kind in optim.OPTIMIZERS.values():
        for name, option in declared(kind).items():
            if name not in ("learning_rate", "maximize"):
                found.setdefault(name, option)
    return found


def settings(more: Iterable[Declaration] = ()) -> dict[str, Declaration]:
    """What can be tried, by name.

    Parameters
    ----------
    more : iterable of Declaration
        What the kind of data has besides: the pieces of a table's numbers.
    """
    options = declared(Options)
    return {
        **{name: options[name] for name in OF_OPTIONS},
        **{option.name: option for option in more},
        **of_optimizers(),
    }


def typed(words: Sequence[str]) -> dict[str, str]:
    """What was typed behind ``--try``, by the setting's name.

    >>> typed(["lr=1e-4..1e-1", "network=linear"])
    {'lr': '1e-4..1e-1', 'network': 'linear'}
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, what = (part.strip() for part in word.partition("="))
        if not (name and equals and what):
            raise InputError(
                f"--try {word}: expected NAME=VALUES, a range such as lr=1e-4..1e-1 or a list such as "
                "network=mlp:64,mlp:64,64"
            )
        if name in found:
            raise InputError(f"--try {name} is given twice: put all its values into one list")
        found[name] = what
    return found


def space_of(given: Mapping[str, Any], known: Mapping[str, Declaration]) -> Space:
    """A space as it is given: by name a range (two numbers in a tuple), a list of values, or words.

    Parameters
    ----------
    given : mapping
        ``{"learning_rate": (1e-4, 1e-1), "network": ["mlp:64", "mlp:64,64"], "batch_size": "16..256"}``.
    known : mapping
        As `settings` has them.

    Raises
    ------
    UnknownNameError
        If a setting isn't known; the nearest is named.
    InputError
        If a range is empty or inverted, or a value isn't one of the setting's.

    Examples
    --------
    >>> space_of({"lr": "1e-4..1e-1", "batch_size": [16, 32]}, settings())
    {'learning_rate': Interval(low=0.0001, high=0.1, log=True, whole=False), 'batch_size': Choice(values=(16, 32))}
    """
    if not isinstance(given, Mapping):
        raise InputError(
            f"space must be a dict of setting to range or list, {{'lr': (1e-4, 1e-1)}}, got {shown(given)}"
        )
    made: Space = {}
    for told, what in given.items():
        name = ALIASES.get(str(told).replace("-", "_"), str(told).replace("-", "_"))
        if name not in known:
            raise _refused(str(told), known)
        if name in made:
            raise InputError(f"try {told}: {name} is given twice: put all its values into one list")
        made[name] = _dimension(f"try {told}={_short(what)}", known[name], what)
    return made


def _refused(told: str, known: Mapping[str, Declaration]) -> InputError:
    """Why a setting can't be tried."""
    reasons = {
        "epochs": "the search deals out epochs itself; --epochs says how many the best are trained for",
        "loss": "candidates are ranked by it; choose one loss for all, --loss",
        "ensemble": "all candidates have the same members; choose their number, --ensemble",
    }
    if told in reasons:
        return InputError(f"try {told}: {reasons[told]}")
    return unknown("setting to try", told, [*known, *ALIASES])


def _short(what: Any) -> str:
    return what if isinstance(what, str) else shown(what)


def _dimension(where: str, option: Declaration, what: Any) -> Interval | Choice:
    """The range or list that is given for a setting."""
    whole = (option.range is not None and option.range.whole) or option.name == "seed"
    if isinstance(what, str) and (found := RANGE.fullmatch(what.strip())):
        kind, low, high = found.groups()
        return _interval(where, option, float(low), float(high), whole, kind)
    if isinstance(what, tuple) and len(what) == 2 and all(_is_number(end) for end in what):
        return _interval(where, option, float(what[0]), float(what[1]), whole, None)
    if isinstance(what, str):
        values: list[Any] = [_read(where, option, word) for word in _words(what, _is_text(option))]
    elif isinstance(what, (list, tuple, range)):
        values = list(what)
    else:
        raise InputError(
            f"{where}: expected a range of two numbers (1e-4, 1e-1), a list of values, or words such as '1e-4..1e-1'"
        )
    if not values:
        raise InputError(f"{where}: the list is empty; name at least one value")
    accepted = [_accepted(where, option, value) for value in values]
    for i, value in enumerate(accepted):
        if any(type(value) is type(other) and value == other for other in accepted[:i]):
            raise InputError(f"{where}: {value!r} is in the list twice")
    return Choice(tuple(accepted))


def _interval(where: str, option: Declaration, low: float, high: float, whole: bool, kind: str | None) -> Interval:
    if _is_text(option):
        raise InputError(f"{where}: {option.name} is told in words; give a list of them")
    if not low < high:
        if low == high:
            raise InputError(f"{where}: the range is empty; give two different ends, or the one value")
        raise InputError(f"{where}: the range is inverted; expected the lower end first, {high:g}..{low:g}")
    for end in (low, high):
        _accepted(where, option, int(end) if whole and end.is_integer() else end)
    log = (low > 0 and high / low >= RATIO) if kind is None else kind == "log"
    if option.name == "seed":
        log = False
    if log and low <= 0:
        raise InputError(f"{where}: a range by the logarithm needs ends above 0; use linear:{low:g}..{high:g}")
    return Interval(low, high, log, whole)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(option: Declaration) -> bool:
    """Whether a setting is told in words."""
    return option.name in ("network", "optimizer") or "str" in re.split(r"\W+", option.type)


def _words(text: str, in_words: bool) -> list[str]:
    """Values between bars, or commas; of words a comma begins the next only before a name without ``=``."""
    if "|" in text or not in_words:
        parts = text.split("|" if "|" in text else ",")
    else:
        parts = re.split(r",\s*(?=[A-Za-z_][\w]*(?:[:,\s]|$))", text)
    return [part.strip() for part in parts if part.strip()]


def _read(where: str, option: Declaration, word: str) -> Any:
    """A value as it was typed."""
    if _is_text(option):
        return word
    if word in ("true", "false"):
        return word == "true"
    if option.parse is not None:
        value = parsed(option, word)
        if not isinstance(value, str):
            return value
    try:
        return int(word) if re.fullmatch(r"[-+]?\d+", word, re.ASCII) else float(word)
    except ValueError:
        if option.range is not None and word in option.range.besides:
            return word
        raise InputError(f"{where}: {word!r} is no number") from None


def _accepted(where: str, option: Declaration, value: Any) -> Any:
    """A value of the setting, checked by its declaration."""
    if isinstance(value, str) and option.name == "optimizer":
        optim.get(value)
    try:
        return option.accept(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def fitting(space: Space, planned: Mapping[str, Any]) -> None:
    """Refuse settings of optimizers that none of the optimizers to be tried has."""
    optimizer = space.get("optimizer") or Choice((planned.get("optimizer"),))
    words = optimizer.values if isinstance(optimizer, Choice) else ()
    if not all(isinstance(word, str) for word in words):
        words = ()
    for name in space:
        if name in of_optimizers() and name not in OF_OPTIONS and not any(_has(word, name) for word in words):
            told = " or ".join(str(word).partition(":")[0] for word in words) or "an optimizer that is an object"
            raise InputError(
                f"try {name}: {told} has no such setting; try an optimizer that has, adamw or momentum say"
            )


def _has(optimizer: str, name: str) -> bool:
    return name in declared(optim.named(optimizer))


def with_settings(optimizer: str, more: Mapping[str, Any]) -> str:
    """An optimizer's word with some of its settings replaced; those that it hasn't are left out.

    >>> with_settings("adamw:weight_decay=0.1", {"weight_decay": 0.03, "momentum": 0.9})
    'adamw:weight_decay=0.03'
    """
    kind = optim.named(optimizer)
    takes = [option for name, option in declared(kind).items() if name != "learning_rate"]
    given = optim.words.settings_of(optimizer, takes)
    given |= {name: value for name, value in more.items() if name in {option.name for option in takes}}
    words = ",".join(f"{name}={_word(value)}" for name, value in given.items())
    name = optimizer.partition(":")[0]
    return f"{name}:{words}" if words else name


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if is_given(value) else str(value)
