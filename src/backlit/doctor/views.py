"""Views: what is known of a network of several inputs and outputs, as the rules see it: one of each at a time.

The rules know a network with one input and one output. Of others they are shown, for each output, the network that
leads to it, with this output's targets, loss and columns of the history, and one input's facts after the other. What is
found in every view is told once; what is found in some names the input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.languages import NAMES, Template
from backlit.nn.ends import towards
from backlit.nn.losses import Heads

OUTPUT = Template("output {name}", "출력 {name}")
INPUT = Template("input {name}", "입력 {name}")
AT = Template("{end}: {where}", "{end}: {where}")


@dataclass(frozen=True, eq=False)
class View:
    """What is known, seen from an input; `name` is empty where there is but one."""

    name: str
    evidence: Evidence


def views_of(evidence: Evidence) -> dict[str, list[View]]:
    """Views from each input, by output; "" stands for the only one. Outputs that the loss leaves out aren't judged."""
    loss = evidence.loss
    if not isinstance(loss, Heads):
        return {"": _by_input(evidence)}
    heads = [name for name, weight in loss.weights.items() if weight]
    return {name: _by_input(_of_output(evidence, name)) for name in heads}


def _of_output(evidence: Evidence, name: str) -> Evidence:
    """The evidence of one output: of what leads to it."""
    loss: Any = evidence.loss
    network = towards(evidence.network, name)
    paths = {path for path, _ in network.architecture.walk()} | {"network"}
    others = [other for other in loss.losses if other != name]
    facts = evidence.start.get("data") or {}
    own = (facts.get("by_output") or {}).get(name) or {}
    rest = {key: value for key, value in facts.items() if key not in ("by_output", "kind")}
    start = {**_look(evidence.start, name, paths), "data": {**rest, **own}} if evidence.start else {}
    if start:
        weights = evidence.start.get("weights") or {}
        start["weights"] = {path: value for path, value in weights.items() if _leads(path, paths)}
    return replace(
        evidence,
        network=network,
        loss=loss.losses[name],
        start=start,
        looks=[_look(look, name, paths) for look in evidence.looks],
        history=[_line(line, name, others) for line in evidence.history],
    )


def _look(look: dict[str, Any], name: str, paths: set[str]) -> dict[str, Any]:
    """A record of the probes, with what leads to an output."""
    kept = dict(look)
    for part in ("layers", "params"):
        if part in look:
            kept[part] = {path: value for path, value in look[part].items() if _leads(path, paths)}
    losses = kept.pop("losses", None) or {}
    return {**kept, "loss": losses[name]} if name in losses else kept


def _leads(path: str, paths: set[str]) -> bool:
    return path.startswith("input") or path in paths or any(path.startswith(f"{known}/") for known in paths if known)


def _line(line: dict[str, Any], name: str, others: list[str]) -> dict[str, Any]:
    """A line of the history with an output's columns by their usual names, and none of the others'."""
    made: dict[str, Any] = {}
    for key, value in line.items():
        part = key.removeprefix("val_")
        if part == "loss" or any(part.startswith(f"{other}_") for other in others if not part.startswith(f"{name}_")):
            continue
        made[key[: len(key) - len(part)] + part.removeprefix(f"{name}_")] = value
    return made


def _by_input(evidence: Evidence) -> list[View]:
    """The views from the inputs that lead to an output."""
    facts = evidence.start.get("data") or {}
    by_input = facts.get("by_input")
    if not by_input:
        return [View("", evidence)]
    rest = {key: value for key, value in facts.items() if key != "by_input"}
    shape = evidence.network.input_shape
    names = [name for name in by_input if name in shape]
    return [
        View(name, replace(evidence, start={**evidence.start, "data": {**rest, **by_input[name]}})) for name in names
    ]


def united(found: dict[str, list[Finding]], end: Template) -> list[Finding]:
    """Findings by input, or by output, as one list: each once, and named by where it is, unless it is everywhere.

    Examples
    --------
    >>> united({"": []}, OUTPUT)
    []
    """
    made: list[Finding] = []
    done: list[tuple[Any, ...]] = []
    for findings in found.values():
        for finding in findings:
            key = _key(finding)
            if key in done:
                continue
            done.append(key)
            names = [name for name, others in found.items() if key in map(_key, others)]
            made.append(finding if len(names) == len(found) else _named(finding, end, names))
    return made


def _key(finding: Finding) -> tuple[Any, ...]:
    """What makes two findings the same."""
    return finding.kind.key, finding.severity, finding.where, finding.measure


def _named(finding: Finding, end: Template, names: list[str]) -> Finding:
    """A finding that tells of which inputs or outputs it is, and what to do about the one."""
    where = AT.of(end=end.of(name=", ".join(names)), where=finding.message("where"))
    sign = replace(finding.sign, where=Template(*(_as_it_is(where.within(lang)) for lang in NAMES)))
    if finding.kind.of_one and len(names) == 1:
        sign = replace(sign, remedy=_as_it_is(finding.kind.of_one.format(name=names[0])))
    return replace(finding, sign=sign)


def _as_it_is(text: str) -> str:
    """A text as a template that has no places for values."""
    return text.replace("{", "{{").replace("}", "}}")


def each_output(evidence: Evidence, judged: Callable[[Iterable[View]], list[Finding]]) -> list[Finding]:
    """What is found of each output from the views of its inputs, put together."""
    return united({name: judged(views) for name, views in views_of(evidence).items()}, OUTPUT)
