"""Kind: all that is said of a finding, in one record; Finding: one of a network; Diagnosis: all of a network's."""

from __future__ import annotations

import enum
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from backlit.doctor.evidence import Evidence
from backlit.doctor.proof.verdict import Verdict
from backlit.doctor.remedies import code_in
from backlit.doctor.remedies.comments import commented
from backlit.doctor.repair.change import Change, Remedy
from backlit.languages import Message, Said, Template
from backlit.train.recipe import Recipe
from backlit.verbs import verb


class Stage(enum.IntEnum):
    """Where on the way from data to a trained network something is wrong: causes come before what they cause."""

    DATA = enum.auto()
    SEQUENCES = enum.auto()
    TARGETS = enum.auto()
    OUTPUT = enum.auto()
    STRUCTURE = enum.auto()
    START = enum.auto()
    SCALE = enum.auto()
    CONNECTION = enum.auto()
    FLOW = enum.auto()
    UPDATES = enum.auto()
    FITTING = enum.auto()


class Role(enum.Enum):
    """How a finding stands to others.

    A CAUSE keeps a network from learning whatever the other settings: alarms later in the order stand under the first
    one, as its consequences. An OUTCOME may stand under a cause, but explains nothing itself. A FACT is about the data
    alone, and follows from nothing.
    """

    CAUSE = "cause"
    OUTCOME = "outcome"
    FACT = "fact"


@dataclass(frozen=True)
class Sign:
    """One way in which a finding shows: templates for the same named values.

    Attributes
    ----------
    where : Template
        Layer, parameter, column, share of rows or epoch.
    measure, source : Template
        What was measured; where the threshold comes from.
    remedy, command : str
        In place of the kind's, with the values put in.
    """

    where: Template
    measure: Template
    source: Template
    remedy: str = ""
    command: str = ""


Rule = Callable[[Evidence], "list[Finding]"]


@dataclass(frozen=True, eq=False)
class Kind:
    """All that is known of a kind of finding: how it is found, what is said of it, how it is repaired.

    Attributes
    ----------
    name : Template
        The English one is its key: "learning rate too high".
    stage, place : Stage, int
        Its place in the order from cause to effect: the stage, and which of that stage's findings it is.
    role : Role
    cause : Template
        What is wrong, in a sentence.
    remedy, command : str
        What to change: a line of Python, and options of the command (empty where there are none).
    of_one : str
        In place of the remedy where it is found of one of several inputs or outputs, with that one's {name}.
    effect : Template
        What to expect of the remedy.
    signs : tuple of Sign
        The ways in which it shows.
    rules : tuple of Rule
        Functions that look for it. A rule that several kinds share is run once.
    fallback : tuple of Rule
        Likewise, where no cause was found: they explain why little was learned if nothing else does.
    picture : str
        The call that shows it.
    apart : bool
        Whether it stands for itself whatever else was found, since mending that needn't mend it.
    repair : Remedy or None
        Makes the ways to mend it; None where someone has to decide.
    """

    name: Template
    stage: Stage
    place: int
    role: Role
    cause: Template
    remedy: str
    effect: Template
    signs: tuple[Sign, ...]
    rules: tuple[Rule, ...] = ()
    fallback: tuple[Rule, ...] = ()
    command: str = ""
    of_one: str = ""
    picture: str = "run.plot()"
    apart: bool = False
    repair: Remedy | None = None

    @property
    def key(self) -> str:
        """Its name in English, by which it is known."""
        return self.name.en

    def __reduce__(self) -> Any:
        """By the name that its module has for it, as classes are pickled: its rules are functions of there."""
        for function in (*self.rules, *self.fallback):
            module = function.__module__
            name = next((name for name, value in vars(sys.modules[module]).items() if value is self), None)
            if name is not None:
                return _kind_at, (module, name)
        return object.__reduce_ex__(self, 2)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @property
    def order(self) -> tuple[int, int]:
        """Its place among all, by which they are sorted."""
        return self.stage, self.place

    def ways(self, recipe: Recipe, run: Any) -> list[Change]:
        """The ways to mend it, of which the best is tried; none where someone has to decide."""
        return [] if self.repair is None else self.repair(recipe, run)

    def found(
        self,
        sign: Sign,
        measured: float | None,
        threshold: float | None,
        consequences: tuple[Message | Consequence, ...] = (),
        severity: str = "alarm",
        **values: Any,
    ) -> Finding:
        """A finding of this kind, with the values that the sign's templates ask for."""
        return Finding(self, sign, measured, threshold, severity, values, consequences)


def _kind_at(module: str, name: str) -> Kind:
    """The kind of finding that a module has under a name."""
    kind: Kind = getattr(importlib.import_module(module), name)
    return kind


@dataclass(frozen=True)
class Finding:
    """One cause, as it was found in a network.

    Attributes
    ----------
    kind : Kind
    sign : Sign
        The way in which it shows here.
    measured, threshold : float or None
        What was measured, and beyond which it is told; `measure` says what the number is.
    severity : str
        "alarm", or "remark" for what does no harm yet.
    values : dict
        What is put into the sign's texts: numbers, paths of layers.
    consequences : tuple of Message and Consequence
        What follows from it and was seen as well: symptoms, and other findings; as strings, English.
    proof : Verdict or None
        What an experiment said of it, if one was made.
    library : str
        In whose code the remedy is written: "backlit", "torch", "lightning", "keras" or "sklearn".
    code, typed : str
        The remedy and the options of the command as they can be pasted for this very training, where that is more
        than the kind's own say.
    """

    kind: Kind
    sign: Sign
    measured: float | None
    threshold: float | None
    severity: str = "alarm"
    values: Mapping[str, Any] = field(default_factory=dict)
    consequences: tuple[Message | Consequence, ...] = ()
    library: str = "backlit"
    proof: Verdict | None = None
    code: str = ""
    typed: str = ""

    def __hash__(self) -> int:
        return hash((self.kind.key, self.severity, self.measured))

    def message(self, part: str) -> Message:
        """Its "where", "measure" or "source", to be put into words in any language."""
        return Message(getattr(self.sign, part), self.values)

    @property
    def name(self) -> str:
        """Of the kind of finding: "learning rate too high"."""
        return self.kind.key

    @property
    def where(self) -> str:
        """Layer, parameter, column, share of rows or epoch."""
        return str(self.message("where"))

    @property
    def measure(self) -> str:
        """What was measured."""
        return str(self.message("measure"))

    @property
    def source(self) -> str:
        """Where the threshold comes from."""
        return str(self.message("source"))

    @property
    def cause(self) -> str:
        """What is wrong, in a sentence."""
        return self.kind.cause.en

    @property
    def effect(self) -> str:
        """What to expect of the remedy."""
        return self.kind.effect.en

    @property
    def remedy(self) -> Said:
        """What to change: a line of Python, in the library that the network is of; its comment in each language."""
        if self.library != "backlit":
            return commented(code_in(self.library, self.name, self.values))
        return commented(self.code or self.sign.remedy.format(**self.values) or self.kind.remedy)

    @property
    def command(self) -> str:
        """The same as options of the command; empty where there are none."""
        if self.library != "backlit":
            return ""
        return self.typed or self.sign.command.format(**self.values) or self.kind.command

    @property
    def picture(self) -> str:
        """The call that shows it."""
        if self.library != "backlit":
            return self.kind.picture.replace("run.", "eye.")
        return self.kind.picture

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in English."""
        texts = ("measure", "source", "cause", "remedy", "command", "effect", "severity", "picture")
        data = {name: getattr(self, name) for name in ("name", "where", "measured", "threshold", *texts)}
        proof = {} if self.proof is None else {"proof": self.proof.to_dict()}
        return data | {"consequences": [str(each) for each in self.consequences], **proof}

    def __str__(self) -> str:
        limit = "" if self.threshold is None else f" (limit {self.threshold:.4g}: {self.source})"
        lines = [f"{self.severity.upper()}  {self.name}: {self.where}", f"  {self.cause}"]
        if self.measured is not None:
            lines.append(f"  measured   {self.measure}: {self.measured:.4g}{limit}")
        lines += [f"  proof      {self.proof}"] if self.proof is not None else []
        lines += [f"  follows    {each}" for each in self.consequences]
        lines.append(f"  remedy     {self.remedy}")
        if self.command:
            lines.append(f"             {self.command}")
        lines += [f"  expect     {self.effect}", f"  see        {self.picture}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Consequence:
    """Another finding that stands under its cause: its kind, and where it was found."""

    kind: Kind
    where: Message

    def within(self, lang: str) -> str:
        """Its name and where, in a language."""
        return f"{self.kind.name.of().within(lang)}: {self.where.within(lang)}"

    def __str__(self) -> str:
        return self.within("en")


class Diagnosis(tuple[Finding, ...]):
    """Findings, alarms before remarks, each group in the order of cause before effect.

    Examples
    --------
    >>> print(Diagnosis())
    no findings
    """

    __slots__ = ()

    def __new__(cls, findings: Iterable[Finding] = ()) -> Self:
        return super().__new__(cls, findings)

    @property
    def alarms(self) -> Diagnosis:
        """Those that harm."""
        return Diagnosis(finding for finding in self if finding.severity == "alarm")

    @property
    def remarks(self) -> Diagnosis:
        """Those that are only good to know."""
        return Diagnosis(finding for finding in self if finding.severity == "remark")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"findings": [finding.to_dict() for finding in self]}

    _repr_html_ = verb("backlit.report.notebook:of_diagnosis", "What a notebook shows: each finding with its remedy.")

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "no findings"

    def __repr__(self) -> str:
        return f"Diagnosis({', '.join(f'{each.severity}: {each.name}' for each in self) or 'no findings'})"
