"""Judgement: how good a run is on rows that it never saw, as a record that is read like the dict in its file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from backlit.errors import InputError
from backlit.schema import Number, fitted, parts
from backlit.train.intervals import Intervals
from backlit.verbs import verb

Label = str | bool | int | float  # a class as its data names it
Cell = Label | None
Scores = Mapping[str, Number]

CERTAIN = 0.05  # calibration error below which probabilities may be taken at their word


class Plain(dict[str, Any]):
    """Base of frozen dataclasses that are at once the plain data that files hold: ``record.rows``, ``record["rows"]``.

    Parts that are None are left out of the plain data, unless they are listed in `always`.
    """

    always: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Fill in the plain data."""
        super().update(self._plain())

    def _plain(self) -> dict[str, Any]:
        parts = [part for part in self._fields() if not part.metadata.get("hidden")]
        values = {part.metadata.get("key", part.name): getattr(self, part.name) for part in parts}
        return {key: _listed(value) for key, value in values.items() if value is not None or key in self.always}

    @classmethod
    def _fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        record: Any = cls
        return dataclasses.fields(record)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The record of plain data; what it has besides stays readable by its name.

        Raises
        ------
        InputError
            If the data doesn't have the record's form, that of its annotations.
        """
        keys = {part.metadata.get("key", part.name): part.name for part in cls._fields()}
        own = {name: data[key] for key, name in keys.items() if key in data}
        made = cls(**parts(cls, own))
        dict.update(made, {key: value for key, value in data.items() if key not in keys})
        return made

    def to_dict(self) -> dict[str, Any]:
        """A dict of its own, to be changed at will."""
        return {key: _unlisted(value) for key, value in self.items()}

    def replace(self, **changes: Any) -> Self:
        """The same with other parts, by the names that they have in plain data."""
        return self.from_dict({**self, **changes})

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"a {type(self).__name__} doesn't change: use replace(name=value), or a dict, to_dict()")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> Any:
        return type(self).from_dict, (dict(self),)


def _listed(value: Any) -> Any:
    """A tuple as the list that JSON has, whatever is inside."""
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _unlisted(value: Any) -> Any:
    """Records and lists as dicts and lists of the caller's own."""
    if isinstance(value, list):
        return [_unlisted(item) for item in value]
    return {key: _unlisted(item) for key, item in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True, eq=False)
class Guess(Plain):
    """What the training targets say without any input: each class's share, each number's mean, or the usual text."""

    shares: tuple[float, ...] | None = None
    mean: tuple[float, ...] | None = None
    text: str | None = None


@dataclass(frozen=True, eq=False)
class ClassScores(Plain):
    """How one class fares: the share of its rows that is found, and the share of its calls that is right."""

    always = ("recall", "precision")

    name: Label = field(metadata={"key": "class"})
    rows: int | None = None
    recall: float | None = None
    precision: float | None = None


@dataclass(frozen=True, eq=False)
class LabelScores(Plain):
    """How one of several labels fares, and what always saying its more frequent value achieves."""

    always = ("recall", "precision")

    name: str = field(metadata={"key": "label"})
    rows: int | None = None
    accuracy: float | None = None
    baseline: float | None = None
    recall: float | None = None
    precision: float | None = None


@dataclass(frozen=True, eq=False)
class TargetScores(Plain):
    """How one of several numbers fares, and what always saying its mean achieves."""

    name: str = field(metadata={"key": "target"})
    rmse: float | None = None
    baseline: float | None = None
    mae: float | None = None


@dataclass(frozen=True, eq=False)
class Coverage(Plain):
    """Intervals of a level: half their width, None where rows were too few for it, and the share of rows they hold."""

    level: float = 0.9
    half_width: tuple[float | None, ...] = ()
    coverage: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Bin(Plain):
    """Rows that the network was about equally sure of."""

    confidence: float
    accuracy: float
    rows: int


@dataclass(frozen=True, eq=False)
class Calibration(Plain):
    """Expected calibration error, and the bins that it is made of."""

    error: float
    bins: tuple[Bin, ...] = ()

    @property
    def noise(self) -> float:
        """The error that chance makes of honest probabilities, in these bins: ``Σ n_b/n √(c_b (1 - c_b)/n_b)``."""
        total = sum(each.rows for each in self.bins) or 1
        spreads = (math.sqrt(max(0.0, each.confidence * (1 - each.confidence)) * each.rows) for each in self.bins)
        return sum(spreads) / total

    @property
    def honest(self) -> bool | None:
        """Whether probabilities may be taken at their word; None where there are too few rows to tell."""
        if self.error + self.noise < CERTAIN:
            return True
        return False if self.error >= max(CERTAIN, 2 * self.noise) else None


@dataclass(frozen=True, eq=False)
class Mistake(Plain):
    """A row that was called something wrong, or right where it stands beside such.

    Attributes
    ----------
    truth, called : object
    probability, off : float, optional
        How sure the network was; of numbers, how far off it was.
    name : str, optional
        Of the row's file, if it has one.
    cells, pixels : list, optional
        What there is to see of the row.
    """

    truth: Cell = None
    called: Cell = None
    probability: float | None = None
    off: float | None = None
    name: str | None = None
    cells: tuple[Cell, ...] | None = None
    pixels: tuple[tuple[float | tuple[float, ...], ...], ...] | None = None

    always = ("truth", "called")

    def _plain(self) -> dict[str, Any]:
        plain = super()._plain()
        if self.name is None:
            return plain
        truth = plain.pop("truth")
        return {"class": truth, **plain}  # what rows with a name have always been told in

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        rest = dict(data)
        return super().from_dict({"truth": rest.pop("class"), **rest} if "class" in rest else rest)


@dataclass(frozen=True, eq=False)
class Mistakes(Plain):
    """The rows that a run gets most wrong, the worst first, and the names of their cells.

    Rows that have names of their own, those of files, are `named`: nothing else of them is kept. Of small pictures a
    few that were called `right` stand beside them.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Mistake, ...] = ()
    right: tuple[Mistake, ...] | None = None
    named: bool = field(default=False, metadata={"hidden": True})


@dataclass(frozen=True, eq=False)
class Example(Plain):
    """What a network made of an input that it never saw, beside what is true."""

    given: str
    truth: str
    written: str


@dataclass(frozen=True, eq=False, repr=False)
class Judgement(Plain):
    """How good a run is on rows that it never saw, beside what needs no network.

    A record whose parts can also be had as from the dict in judgement.json, ``judgement["scores"]``. It doesn't change;
    what isn't known is None, and no key of the dict.

    Attributes
    ----------
    task : str
        "classification", "regression", "multi_label", "text", or "tags".
    unit : str
        What is counted: "rows", "windows", or the tokens of a text.
    rows : int
        How many it was judged on.
    scores : dict of str to float
    ranges : dict of str to (low, high)
        Between which a score would lie for 95 % of draws of as many rows, which are taken to be independent.
    baseline : dict
        "what" guesses, and its scores.
    rivals : dict of str to dict
        Scores of other methods.
    warnings, notes : tuple of str
        What makes the run doubtful; what was found and done on the way.
    classes, confusion, calibration :
        Of classes: `ClassScores`, counts (true class, predicted class), and whether probabilities are honest.
    labels, targets :
        Of several labels or numbers.
    intervals : Coverage
        Of numbers.
    steps : list of dict
        Of forecasts: for each step ahead, its number and each method's scores.
    mistakes : Mistakes
        Under "worst" in the dict if rows have names, else under "errors".
    guess, residuals :
        What later judgements and intervals are made from.
    judged_on : str
        "test", "validation", "held-out folds" or "training".
    parts : dict of str to int
        Rows of each part.
    folds : int
        Of an ensemble whose members hold back a share each.
    streamed : bool
        Whether it was judged by blocks: then nothing that needs all rows at once can be advised.
    plan : str
        What was trained, in a line.
    sample : str
        What a language model writes.
    examples : tuple of Example
        Of texts and tags: the first inputs that it was judged on, and what the run made of them.

    Examples
    --------
    >>> judgement = Judgement(task="regression", rows=20, scores={"rmse": 0.5})
    >>> judgement.rows, judgement["scores"]["rmse"], "classes" in judgement
    (20, 0.5, False)
    """

    residuals: Intervals | None = None
    task: str | None = None
    unit: str | None = None
    rows: int | None = None
    scores: Scores | None = None
    ranges: Mapping[str, tuple[Number, ...]] | None = None
    baseline: Mapping[str, Any] | None = None
    classes: tuple[ClassScores, ...] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    calibration: Calibration | None = None
    labels: tuple[LabelScores, ...] | None = None
    targets: tuple[TargetScores, ...] | None = None
    intervals: Coverage | None = None
    rivals: Mapping[str, Scores] | None = None
    steps: tuple[Mapping[str, Any], ...] | None = None
    warnings: tuple[str, ...] | None = None
    guess: Guess | None = None
    judged_on: str | None = None
    parts: dict[str, int] | None = None
    folds: int | None = None
    streamed: bool | None = None
    plan: str | None = None
    notes: tuple[str, ...] | None = None
    sample: str | None = None
    examples: tuple[Example, ...] | None = None
    mistakes: Mistakes | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Self:
        """The record of what a run holds: itself, the record of a dict, or an empty one."""
        return given if isinstance(given, cls) else cls.from_dict(given or {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`, of old files as well."""
        rest = dict(data)
        named, others = rest.pop("worst", None), rest.pop("errors", None)
        if named is not None:
            rest.setdefault("mistakes", {"rows": named, "named": True})
        elif others is not None:
            rest.setdefault("mistakes", others)
        made = super().from_dict(rest)
        made._agree()
        return made

    def _agree(self) -> None:
        """Refuse parts that don't belong together."""
        counts, names = self.confusion, self.classes or ()
        if counts is not None and names and {len(counts), *map(len, counts)} != {len(names)}:
            raise InputError(f"confusion must have {len(names)} rows of {len(names)} counts, as there are classes")
        for name, value in (self.baseline or {}).items():
            fitted(str if name == "what" else Number, value, f"baseline/{name}")
        for number, step in enumerate(self.steps or ()):
            for name, told in step.items():
                scores = fitted(int if name == "step" else Scores, told, f"steps/{number}/{name}")
                if name != "step" and "mae" not in scores:
                    raise InputError(f"steps/{number}/{name} must tell its mae")
            if "step" not in step or step.keys() != (self.steps or ())[0].keys():
                raise InputError(f"steps/{number} must tell its number, and the same methods as the first")
        around = self.intervals
        if around is not None and len(self.steps or ()) > min(len(around.half_width), len(around.coverage)):
            raise InputError("intervals must have a half width and a coverage for each step")

    def _plain(self) -> dict[str, Any]:
        plain = super()._plain()
        if self.residuals is not None:
            plain["residuals"] = self.residuals.to_dict()
        if self.guess is not None:  # a judgement by the common way, whose file tells that there are none
            plain = {"residuals": None, "folds": None, **plain}
        mistakes = plain.pop("mistakes", None)
        if mistakes is not None:
            plain |= {"worst": _listed(mistakes.rows)} if mistakes.named else {"errors": mistakes}
        return plain

    @property
    def what(self) -> str:
        """What it was judged on, by name: "rows", "windows" of a forecast, tokens of a text."""
        return self.unit or ("windows" if self.steps else "rows")

    _repr_html_ = verb("backlit.report.notebook:of_judgement", "What a notebook shows: scores beside the baseline's.")

    def __repr__(self) -> str:
        return f"Judgement({', '.join(f'{key}={value!r}' for key, value in self.items())})"
