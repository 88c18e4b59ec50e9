"""Hyperparameters as data: declared once with their range, checked when they are set, written to JSON and read back."""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from backlit.errors import InputError, unknown


@dataclass(frozen=True)
class Range:
    """What a hyperparameter may be: an interval of numbers (`[` with its end, `(` without), or a few names.

    >>> Range(0.0, 1.0, open_high=True).text
    'a number in [0, 1)'
    """

    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False
    schedule: bool = False  # a function of the step will do as well
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In words, for messages."""
        if self.names:
            return " or ".join(map(repr, self.names))
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        interval = f"{'a whole' if self.whole else 'a'} number in {left}{self.low:g}, {self.high:g}{right}"
        interval = interval.replace("inf", "∞")
        return f"{interval} or a schedule" if self.schedule else interval

    def accept(self, value: Any) -> Any:
        """The value as plain Python (a NumPy scalar would change the type of what it multiplies); None if refused."""
        if self.names:
            return value if value in self.names else None
        if self.schedule and callable(value):
            return value
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return None
        number = float(value)
        inside = (self.low < number if self.open_low else self.low <= number) and (
            number < self.high if self.open_high else number <= self.high
        )
        if not inside or (self.whole and not number.is_integer()):
            return None
        return int(number) if self.whole else number


def option(default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """A field with a `Range`."""
    return dataclasses.field(default=default, metadata={"range": Range(**limits)})


def fraction(default: Any = dataclasses.MISSING) -> Any:
    """A number in [0, 1): what a running average keeps."""
    return option(default, low=0.0, high=1.0, open_high=True)


def positive(default: Any = dataclasses.MISSING) -> Any:
    """A finite number above zero."""
    return option(default, low=0.0, open_low=True, open_high=True)


def nonnegative(default: Any = dataclasses.MISSING) -> Any:
    """A finite number, zero or above."""
    return option(default, low=0.0, open_high=True)


def count(default: Any = dataclasses.MISSING, low: int = 1) -> Any:
    """A whole number."""
    return option(default, low=low, open_high=True, whole=True)


# A learning rate: a finite number, zero or above, or a schedule; for `dataclasses.field(metadata=RATE)`.
RATE = {"range": Range(open_high=True, schedule=True)}


@dataclass(frozen=True, repr=False)
class Options:
    """Base of optimizers and schedules: frozen dataclasses whose fields are all there is to them."""

    family: ClassVar[str]  # "transform" or "schedule": what its JSON calls it
    kinds: ClassVar[dict[str, type[Options]]]  # of its family, by class name
    families: ClassVar[dict[str, type[Options]]] = {}

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "family" in vars(cls):
            cls.kinds = {}
            Options.families[cls.family] = cls
        elif not abstract:
            cls.kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Check every field against its range."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            allowed = field.metadata.get("range")
            if isinstance(field.default, bool) and not isinstance(value, bool):
                raise self._refuse(field.name, f"must be True or False, got {value!r}")
            if allowed is None:
                continue
            accepted = allowed.accept(value)
            if accepted is None:
                raise self._refuse(field.name, f"must be {allowed.text}, got {value!r}")
            object.__setattr__(self, field.name, accepted)

    def _refuse(self, name: str, why: str) -> InputError:
        return InputError(f"{type(self).__name__}: {name} {why}")

    def replace(self, **changes: Any) -> Self:
        """The same with other hyperparameters."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""
        return {self.family: type(self).__name__} | {f.name: _plain(getattr(self, f.name)) for f in _fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        """The object that `to_dict` described; a class of your own must have been defined (imported) before."""
        rest = dict(data)
        name = rest.pop(cls.family, None)
        if name not in cls.kinds:
            raise unknown(cls.family, name, cls.kinds)
        kind = cls.kinds[name]
        surplus = set(rest) - {f.name for f in _fields(kind)}
        if surplus:
            raise InputError(f"{name} has no {', '.join(sorted(surplus))}; it takes {_names(kind)}")
        try:
            return kind(**{key: _unplain(value) for key, value in rest.items()})
        except TypeError as error:
            raise InputError(f"{name} can't be made from {sorted(rest)}; it takes {_names(kind)}") from error

    def __repr__(self) -> str:
        """What has no default, the learning rate, and what differs from its default."""
        shown = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in _fields(self)
            if f.name == "learning_rate" or f.default is dataclasses.MISSING or getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _fields(kind: Any) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(kind) if f.init]


def _names(kind: Any) -> str:
    return ", ".join(f.name for f in _fields(kind)) or "no settings"


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"  # JSON has no infinity
    return {"schedule": repr(value)} if callable(value) else value


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        for family, base in Options.families.items():
            if family in value:
                return base.from_dict(value)
        raise InputError(f"expected one of {', '.join(map(repr, Options.families))} among {sorted(value)}")
    if isinstance(value, list):
        return tuple([_unplain(item) for item in value])
    return math.inf if value == "inf" else value
