"""Cases read, run and judged."""

from __future__ import annotations

import time
import tomllib
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.doctor import own_layers
from benchmarks.doctor.changes import changed
from benchmarks.doctor.data import DATA
from benchmarks.doctor.others import said, watch_of

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One case, as its file has it.

    Attributes
    ----------
    name, data : str
    network : list of str
        Layers, a word and settings each: "Linear 32 weight_init=zeros".
    expected : list of str
        Findings that are right as the first; empty for a healthy case.
    fault : dict
        What is done to the data: see `changed`.
    train, held : dict
        Likewise, to the rows that are trained on, or held back, alone.
    weights : dict
        Weights of training rows: see `row_weights`.
    fit : dict
        Options of `fit`; "optimizer" and "loss" as a dict with their name.
    when : str
        "after" training, or "before" it, with `check`.
    leak : float
        Share of the held-out rows that are training rows, too.
    where : str
        What the first finding must name as its place.
    named : list of str
        Of two faults: findings that must all be named, if only as what follows from another.
    file : str
        That it stands in, without its ending.
    """

    name: str
    data: str
    network: list[str]
    expected: list[str] = field(default_factory=list)
    fault: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    held: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)
    when: str = "after"
    leak: float = 0.0
    where: str = ""
    named: list[str] = field(default_factory=list)
    file: str = ""

    @property
    def origin(self) -> str:
        """Of the first catalogue, made outside it before there were rules for it, or made for rules to be set on."""
        made = "made for the rules"
        names = {"outside": "outside the catalogue", "strangers": "a stranger's", "second": made, "third": made}
        return names.get(self.file, "seeded")


@dataclass(frozen=True)
class Result:
    """What the doctor said of a case."""

    case: Case
    seed: int
    alarms: list[str]
    remarks: list[str]
    seconds: float
    end: dict[str, float]
    others: dict[str, list[str]] = field(default_factory=dict)
    where: str = ""
    follows: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)  # alarms of `check` on a healthy case

    @property
    def all_named(self) -> bool:
        """Whether each fault of a case of several is named: as an alarm, a remark, or what follows from one."""
        return set(self.case.named) <= {*self.alarms, *self.remarks, *self.follows}

    @property
    def found(self) -> bool:
        return bool(self.alarms) or any(own in self.remarks for own in self.case.expected)

    @property
    def wrong(self) -> bool:
        """Whether another cause is named first; that the cause is open, where it is said, isn't wrong."""
        return bool(self.case.expected) and bool(self.alarms) and not self.right and self.alarms[0] != "open cause"

    @property
    def right(self) -> bool:
        """Whether the first finding is an expected one; for a healthy case, whether there is no alarm."""
        if not self.case.expected:
            return not self.alarms
        said = self.alarms or [own for own in self.remarks if own in self.case.expected]
        return bool(said) and said[0] in self.case.expected and self.case.where in self.where


def cases(half: str, files: str = "*") -> list[Case]:
    """All cases of a half, by file and place, or those of some files."""
    found = []
    for path in sorted((CASES / half).glob(f"{files}.toml")):
        found += [Case(**told, file=path.stem) for told in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]
    return found


def written_out(lines: list[str]) -> list[str]:
    """Layers, one a line: "8 * Linear 32 | Tanh" stands for eight times two."""
    found: list[str] = []
    for line in lines:
        times, _, block = line.rpartition(" * ")
        found += int(times or 1) * [words.strip() for words in block.split(" | ")]
    return found


def layer(words: str) -> Any:
    """A layer from its line: kind, sizes, settings."""
    import backlit as bl

    kind, *rest = words.split()
    if kind == "Masked":  # a value, then the layer inside: "Masked 0 LSTM 16"
        return bl.Masked(layer(" ".join(rest[1:])), value=float(rest[0]))
    sizes = [_value(word) for word in rest if "=" not in word]
    settings = {word.split("=")[0]: _value(word.split("=", 1)[1]) for word in rest if "=" in word}
    made: Any = own_layers.layers().get(kind) or getattr(bl, kind)
    return made(*sizes, **settings)


def _value(word: str) -> Any:
    if word in ("true", "false"):
        return word == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            pass
    return word


def run(case: Case, seed: int = 0, published: bool = False) -> Result:
    """Train a case, or check it, and ask the doctor; what training warns of by itself isn't counted.

    With `published`, the published criteria are asked about the same training, too.
    """
    import backlit as bl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.BacklitWarning)
        return _run(case, seed, published)


def ready(case: Case, seed: int) -> tuple[Any, np.ndarray, np.ndarray, dict[str, Any]]:
    """Network, inputs, targets and options of a case."""
    import backlit as bl

    rng = np.random.default_rng([seed, 7])
    x, y, *held_back = DATA[case.data](rng)
    x, y = changed(x, y, case.fault, rng)
    net = bl.Sequential(*(layer(words) for words in written_out(case.network)))
    options = {"epochs": 20, "seed": seed, "validation": 0.25} | case.fit
    if held_back:
        (options["validation"],) = held_back
    if isinstance(options.get("optimizer"), dict):
        options["optimizer"] = own_layers.optimizer(options["optimizer"])
    if isinstance(options.get("loss"), dict):
        told = dict(options["loss"])
        options["loss"] = getattr(bl, told.pop("name"))(**told)
    if "l2" in options:
        options["penalty"] = bl.L2(options.pop("l2"))
    if options.get("batch_size") == 0:
        options["batch_size"] = None
    if isinstance(options.get("class_weight"), dict):
        options["class_weight"] = {int(label): weight for label, weight in options["class_weight"].items()}
    if case.leak:
        cut = int(0.75 * len(x))
        again = rng.permutation(cut)[: int(case.leak * (len(x) - cut))]
        held = np.concatenate([again, np.arange(cut + len(again), len(x))])
        options["validation"] = (x[held], y[held])
        x, y = x[:cut], y[:cut]
    if case.train or case.held:
        order, cut = rng.permutation(len(x)), int((1 - options["validation"]) * len(x))
        own, others = order[:cut], order[cut:]
        options["validation"] = changed(x[others], y[others], case.held, rng)
        x, y = changed(x[own], y[own], case.train, rng)
    if case.weights:
        options["sample_weight"] = row_weights(y, case.weights, rng)
    return net, x, y, options


def row_weights(y: np.ndarray, told: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Weights of rows: of a "share" of them, or of the "last" so many, "times" the others', which weigh 1."""
    weights = np.ones(len(y))
    heavy = rng.random(len(y)) < told["share"] if "share" in told else np.arange(len(y)) >= len(y) - told["last"]
    weights[heavy] *= told["times"]
    return weights


def _run(case: Case, seed: int, published: bool) -> Result:
    import backlit as bl

    begin, checked = time.perf_counter(), []
    net, x, y, options = ready(case, seed)
    if case.when == "before":
        for name in ("epochs", "early_stopping"):
            options.pop(name, None)
        diagnosis, end = bl.check(net, x, y, **options), {}
    else:
        watch = watch_of(net, x, y, options) if published else None
        done = bl.fit(net, x, y, callbacks=[watch] if watch else [], **options)
        diagnosis = done.diagnose()
        end = {name: value for name, value in (done.history[-1] if done.history else {}).items() if name != "seconds"}
        if not case.expected:
            static = {name: value for name, value in options.items() if name not in ("epochs", "early_stopping")}
            checked = [own.name for own in bl.check(net, x, y, **static).alarms]
    names = ([own.name for own in part] for part in (diagnosis.alarms, diagnosis.remarks))
    seconds = time.perf_counter() - begin
    others = said(case, watch, done, x, y) if published and case.when == "after" else {}
    where = next((own.where for own in diagnosis if not case.expected or own.name in case.expected), "")
    follows = [each.kind.key for own in diagnosis for each in own.consequences if hasattr(each, "kind")]
    return Result(case, seed, *names, seconds, end, others, where, follows, checked)
