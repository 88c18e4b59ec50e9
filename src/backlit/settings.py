"""Options as data: each declared once, with all that is to be said of it; checked, saved and shown from that alone.

A record is a frozen dataclass whose fields are options: a learning rate of `Adam`, the epochs of `Training`, the target
of a table. `option` declares one; `declared` tells what was declared, and whatever takes options reads it: the check of
a value, a function's signature, the flags of a command and their help, the files of a run.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import numbers
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self, TypeVar

from backlit.errors import InputError, shown, unknown
from backlit.registry import register

Scope = Literal["identity", "kept", "recipe", "call"]
MISSING = dataclasses.MISSING


@dataclass(frozen=True)
class Range:
    """What an option may be: an interval of numbers (`[` with its end, `(` without), a few names, or kinds of object.

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
    kinds: tuple[Any, ...] = ()  # classes; `words` says them
    besides: tuple[str, ...] = ()  # names that will do as well as a number
    words: str = ""  # in place of what `text` would say

    @property
    def text(self) -> str:
        """In words, for messages."""
        if self.words:
            return self.words
        if self.names:
            return " or ".join(map(repr, self.names))
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        interval = f"{'a whole' if self.whole else 'a'} number in {left}{self.low:g}, {self.high:g}{right}"
        interval = interval.replace("inf", "∞")
        return f"{interval} or a schedule" if self.schedule else interval

    @property
    def span(self) -> str:
        """In words, for help: "from 1", "above 0", "from 0 to below 1", "xla or numpy"."""
        if self.names:
            return " or ".join(self.names)
        start = f"{'above' if self.open_low else 'from'} {self.low:g}"
        if math.isinf(self.high):
            return start
        return f"{start} to {'below ' if self.open_high else ''}{self.high:g}"

    def accept(self, value: Any) -> Any:
        """The value as plain Python (a NumPy scalar would change the type of what it multiplies); None if refused."""
        if self.names:
            return value if isinstance(value, str) and value in self.names else None
        if self.kinds:
            return value if isinstance(value, self.kinds) else None
        if (self.schedule and callable(value)) or (isinstance(value, str) and value in self.besides):
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


@dataclass(frozen=True)
class Form:
    """How an option's value stands in a file.

    Attributes
    ----------
    write : callable
        ``write(value) -> plain data``.
    read : callable
        The inverse; `MISSING` for what tells of the value, but isn't enough to have it again.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def plain(value: Any) -> Any:
    """A value as plain data for JSON; records and what else has `to_dict` as what that gives."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf"  # JSON has no infinity
    return {"schedule": repr(value)} if callable(value) else value


def unplain(value: Any) -> Any:
    """The inverse of `plain`, for optimizers and schedules."""
    if isinstance(value, dict):
        for family, base in Hyperparameters.families.items():
            if family in value:
                return base.from_dict(value)
        raise InputError(f"expected one of {', '.join(map(repr, Hyperparameters.families))} among {sorted(value)}")
    if isinstance(value, list):
        return tuple([unplain(item) for item in value])
    return math.inf if value == "inf" else value


VALUE = Form(plain, unplain)
# What it is, in Python's words.
TEXT = Form(
    lambda value: None if value is None else repr(value),
    lambda told: None if told is None else MISSING,
)
# Names and numbers as they are; of all else whether there was any.
GIVEN = Form(
    lambda value: value if isinstance(value, (str, int, float)) else value is not None,
    lambda told: MISSING if told is True else told or None,
)


@dataclass(frozen=True)
class Declaration:
    """One option, as the field of a record declares it.

    Attributes
    ----------
    name : str
    type : str
        As it is annotated: "int | None".
    default : object
        `MISSING` if it must be given.
    range : Range or None
        What is allowed, where that is a range or a few names.
    unit, help : str
        "s"; a sentence without its full stop.
    kind, doc : str
        What the record's docstring says of it, at more length: what it is ("float, pair (x, y) or None"), and what for.
    flags : tuple of str
        How commands call it, "--lr"; by default "--" and its name.
    panel : str or None
        Under which heading the commands' help has it; None: no command has it.
    scope : str
        "identity": what is trained depends on it, so a run is gone on with only if it is the same. "kept": told in the
        run's folder, and may be another one then. "recipe": needed to train again, but told elsewhere in the folder or
        not at all. "call": where one call's result goes and who is told of it, nothing of the training itself.
    form : Form
        How its value is written.
    parse : callable or None
        How commands read it from text, where its type doesn't say it.
    """

    name: str
    type: str
    default: Any = MISSING
    range: Range | None = None
    unit: str = ""
    help: str = ""
    kind: str = ""
    doc: str = ""
    flags: tuple[str, ...] = ()
    panel: str | None = None
    scope: Scope = "identity"
    form: Form = VALUE
    parse: Callable[[str], Any] | None = None

    @property
    def optional(self) -> bool:
        """Whether None is one of its values."""
        return self.default is None or "None" in re.split(r"\W+", self.type)

    @property
    def kept(self) -> bool:
        """Whether a run's settings tell it."""
        return self.scope in ("identity", "kept")

    def accept(self, value: Any) -> Any:
        """The value in plain Python, if it is allowed.

        Raises
        ------
        InputError
            If it isn't; the message names option, range and value.
        """
        if value is None and self.optional:
            return None
        if isinstance(self.default, bool) and not isinstance(value, bool):
            raise InputError(f"{self.name} must be True or False, got {shown(value)}")
        if self.range is None:
            # A function in place of its name is refused by whoever looks names up, with what to do.
            if self.type in ("str", "str | None") and not isinstance(value, str) and not callable(value):
                raise InputError(f"{self.name} must be a text, got {shown(value)}")
            return value
        accepted = self.range.accept(value)
        if accepted is None:
            raise InputError(f"{self.name} must be {self.range.text}, got {shown(value)}")
        return accepted


def option(
    default: Any = MISSING,
    *,
    help: str = "",
    unit: str = "",
    flags: tuple[str, ...] = (),
    panel: str | None = None,
    scope: Scope = "identity",
    form: Form | None = None,
    parse: Callable[[str], Any] | None = None,
    **limits: Any,
) -> Any:
    """Declare an option: a field of a record. See `Declaration`; `limits` are those of `Range`."""
    about = {"help": help, "unit": unit, "flags": flags, "panel": panel, "scope": scope, "form": form, "parse": parse}
    metadata = {name: value for name, value in about.items() if value} | ({"range": Range(**limits)} if limits else {})
    return dataclasses.field(default=default, metadata=metadata)


def fraction(default: Any = MISSING, **about: Any) -> Any:
    """A number in [0, 1): what a running average keeps."""
    return option(default, low=0.0, high=1.0, open_high=True, **about)


def positive(default: Any = MISSING, **about: Any) -> Any:
    """A finite number above zero."""
    return option(default, low=0.0, open_low=True, open_high=True, **about)


def nonnegative(default: Any = MISSING, **about: Any) -> Any:
    """A finite number, zero or above."""
    return option(default, low=0.0, open_high=True, **about)


def finite(default: Any = MISSING, **about: Any) -> Any:
    """A finite number."""
    return option(default, low=-math.inf, open_low=True, open_high=True, **{"words": "a finite number", **about})


def count(default: Any = MISSING, low: int = 1, **about: Any) -> Any:
    """A whole number."""
    return option(default, low=low, open_high=True, whole=True, **about)


def whole(default: Any, **about: Any) -> Any:
    """Declare a whole number from 1."""
    words = "a whole number of at least 1" + "".join(f", or {name!r}" for name in about.get("besides", ()))
    return count(default, words=words, **about)


def same(record: type[Any], name: str, default: Any = MISSING, **changes: Any) -> Any:
    """Declare an option as another record does, with another default, say None for "chosen by the data"."""
    field = next(field for field in dataclasses.fields(record) if field.name == name)
    default = field.default if default is MISSING else default
    return dataclasses.field(default=default, metadata={**field.metadata, **changes})


# A learning rate: a finite number, zero or above, or a schedule; for `dataclasses.field(metadata=RATE)`.
RATE = {"range": Range(open_high=True, schedule=True)}


def declared(record: type[Any]) -> dict[str, Declaration]:
    """The options of a record by name, in their order.

    >>> @dataclass(frozen=True)
    ... class Walk(Record):
    ...     steps: int = count(10, help="Steps to take", panel="Walk")
    >>> declared(Walk)["steps"].range.span
    'from 1'
    """
    kind: Any = record
    return _declared(kind)


@cache
def _declared(record: Any) -> dict[str, Declaration]:
    docs = _documented(record)
    made = {}
    for field in dataclasses.fields(record):
        if field.init:
            kind = inspect.formatannotation(field.type) if isinstance(field.type, type) else str(field.type)
            text, doc = docs.get(field.name, (kind, ""))
            made[field.name] = Declaration(field.name, kind, field.default, kind=text, doc=doc, **field.metadata)
    return made


def _documented(record: type[Any]) -> dict[str, tuple[str, str]]:
    """What the numpydoc sections "Parameters" of a record and its bases say of each of its fields."""
    docs: dict[str, tuple[str, str]] = {}
    for base in reversed(record.__mro__):
        text = docstring(base)
        section = re.search(
            r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)", text, re.DOTALL | re.MULTILINE
        )
        entries = re.findall(r"^(\S.*)\n((?:[ ]+.*\n?|\n)*)", section[1] if section else "", re.MULTILINE)
        for head, body in entries:
            names, _, kind = head.partition(" : ")
            docs |= dict.fromkeys(re.split(r",\s*", names), (kind, inspect.cleandoc(body)))
    return docs


def docstring(thing: type[Any] | Callable[..., Any]) -> str:
    """The docstring of a class or function, from its source where Python was told to leave them out (-OO)."""
    if sys.flags.optimize < 2:
        return inspect.cleandoc(vars(thing).get("__doc__") or thing.__doc__ or "")
    try:
        declared_in = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, SyntaxError, TypeError):
        return ""
    return ast.get_docstring(declared_in) or "" if isinstance(declared_in, (ast.ClassDef, ast.FunctionDef)) else ""


def documentation(record: type[Any]) -> str:
    """The options as a numpydoc section has them."""
    options = declared(record).values()
    return "\n".join(f"{option.name} : {option.kind}\n{textwrap.indent(option.doc, '    ')}" for option in options)


R = TypeVar("R")


def check_names(names: Iterable[str], record: type[Any], where: str) -> None:
    """Refuse names that aren't options of the record; the nearest one is named."""
    for name in names:
        if name not in declared(record):
            raise unknown(f"option of {where}", name, declared(record))


def build(record: type[R], given: Mapping[str, Any], where: str) -> R:
    """The record of these options, once their names and values are checked.

    Parameters
    ----------
    record : class
    given : mapping of name to value
    where : str
        What takes them, for messages: "bl.fit".

    Raises
    ------
    UnknownNameError
        If an option isn't known; the nearest is named.
    InputError
        If a value isn't allowed, or an option that has no default is missing.
    """
    check_names(given, record, where)
    missing = [name for name, option in declared(record).items() if option.default is MISSING and name not in given]
    if missing:
        raise InputError(f"{where} needs {', '.join(missing)}")
    return record(**given)


def signature(record: type[Any], names: Iterable[str] | None = None) -> list[inspect.Parameter]:
    """The options as keyword parameters of a function, for `inspect` and `help`."""
    options = declared(record)
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if options[name].default is MISSING else options[name].default,
            annotation=options[name].type,
        )
        for name in (options if names is None else names)
    ]


def check(record: Any, title: str | None = None) -> None:
    """Check every option of a record, and give it its plain value; for the ``__post_init__`` of a frozen dataclass.

    Parameters
    ----------
    record : dataclass
    title : str, optional
        What stands before a message; left out, the name of its class.

    Raises
    ------
    InputError
        If a value isn't allowed.
    """
    for name, declaration in declared(type(record)).items():
        try:
            accepted = declaration.accept(getattr(record, name))
        except InputError as error:
            raise InputError(f"{type(record).__name__ + ': ' if title is None else title}{error}") from None
        object.__setattr__(record, name, accepted)


@dataclass(frozen=True, repr=False)
class Record:
    """Base of frozen dataclasses whose fields are options: made, they are checked."""

    def __post_init__(self) -> None:
        """Check every option against its declaration."""
        check(self, self._title())

    def _title(self) -> str:
        """What stands before a message."""
        return ""

    def _refuse(self, name: str, why: str) -> InputError:
        return InputError(f"{self._title()}{name} {why}")

    def replace(self, **changes: Any) -> Self:
        """The same with other options, checked again."""
        check_names(changes, type(self), type(self).__name__)
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON of what is kept; `from_dict` is the inverse, as far as each option's form has one."""
        return {
            name: option.form.write(getattr(self, name)) for name, option in declared(type(self)).items() if option.kept
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The record that `to_dict` described; what it doesn't tell, or can't be had again, has its default.

        Raises
        ------
        InputError
            If something isn't an option, or a value isn't allowed.
        """
        check_names(data, cls, cls.__name__)
        values = {name: declared(cls)[name].form.read(value) for name, value in data.items()}
        return cls(**{name: value for name, value in values.items() if value is not MISSING})

    def __repr__(self) -> str:
        """What has no default, the learning rate, and what differs from its default."""
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, option in declared(type(self)).items()
            if name == "learning_rate" or option.default is MISSING or not _equal(getattr(self, name), option.default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _equal(value: Any, default: Any) -> bool:
    return value is default or (type(value).__module__ != "numpy" and bool(value == default))


@dataclass(frozen=True, repr=False)
class Hyperparameters(Record):
    """Base of optimizers and schedules: frozen dataclasses whose fields are all there is to them."""

    family: ClassVar[str]  # "transform" or "schedule": what its JSON calls it
    kinds: ClassVar[dict[str, type[Hyperparameters]]]  # of its family, by class name
    families: ClassVar[dict[str, type[Hyperparameters]]] = {}

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "family" in vars(cls):
            cls.kinds = {}
            Hyperparameters.families[cls.family] = cls
        elif not abstract:
            register(cls.kinds, cls.__name__, cls, cls.family)

    def _title(self) -> str:
        return f"{type(self).__name__}: "

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` is the inverse."""
        return {self.family: type(self).__name__, **super().to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Any:
        """The object that `to_dict` described; a class of your own must have been defined (imported) before."""
        rest = dict(data)
        name = rest.pop(cls.family, None)
        if name not in cls.kinds:
            raise unknown(cls.family, name, cls.kinds)
        kind = cls.kinds[name]
        takes = ", ".join(declared(kind)) or "no settings"
        surplus = set(rest) - set(declared(kind))
        if surplus:
            raise InputError(f"{name} has no {', '.join(sorted(surplus))}; it takes {takes}")
        try:
            return kind(**{key: unplain(value) for key, value in rest.items()})
        except TypeError as error:
            raise InputError(f"{name} can't be made from {sorted(rest)}; it takes {takes}") from error
