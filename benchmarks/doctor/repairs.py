"""Sick runs mended by `run.fix`, beside random search over the same changes with the same number of trainings.

A quarter of a case's rows is kept from both, and the original, for the judgement.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.doctor.runner import Case, cases, ready

TEST = 0.25  # of the rows
MOST_DRAWN = 4  # changes at once in random search
LEAST = 0.01  # of the cost, by which a score must get better to count


@dataclass(frozen=True)
class Outcome:
    """What became of a sick run.

    Attributes
    ----------
    before, mended, drawn : float
        Costs on rows that none of them saw (see `costs`): of the original, of `run.fix`, of random search.
    scores : tuple of float
        Accuracy (of all classes alike, where one is rare) or R² of the same three.
    """

    case: Case
    seed: int
    mendable: bool
    changes: tuple[str, ...]
    trainings: int
    before: float
    mended: float
    drawn: float
    scores: tuple[float, float, float]
    seconds: float

    def better(self, cost: float) -> bool:
        """Whether a cost is lower by a hundredth."""
        return bool(cost <= (1 - LEAST) * self.before)

    def worse(self, cost: float) -> bool:
        return bool(cost > (1 + LEAST) * self.before)


def repair(case: Case, seed: int, engine: str = "xla") -> Outcome:
    """Train a case, mend it in both ways, and judge the three."""
    import backlit as bl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.BacklitWarning)
        return _repair(case, seed, engine)


def _repair(case: Case, seed: int, engine: str) -> Outcome:
    import backlit as bl
    from backlit.doctor.findings import kinds
    from backlit.doctor.repair.compare import cap, capped, costs, validate

    begin = time.perf_counter()
    net, x, y, options = ready(case, seed)
    order = np.random.default_rng([seed, 11]).permutation(len(x))
    cut = int(TEST * len(x))
    test = (x[order[:cut]], y[order[:cut]])
    run = bl.fit(net, x[order[cut:]], y[order[cut:]], **options, engine=engine)
    fixed = run.fix()
    drawn = search(run, fixed.trainings, np.random.default_rng([seed, 13]))
    criterion = "loss"
    if "imbalance hidden by accuracy" in case.expected:
        criterion = "balanced error"
    elif "classes as numbers" in case.expected:
        criterion = "error"
    found = []
    for own in (run, fixed.run, drawn):
        targets = test[1] if own.targets.kind == run.targets.kind else test[1].astype(int)
        found.append(validate(own, run.recipe.replace(validation=(test[0], targets))))
    most = cap(found[0], criterion, run)
    prices = [float(capped(costs(own, criterion, run), most).mean()) for own in found]
    mendable = any(kinds()[name].repair is not None for name in case.expected)
    return Outcome(
        case, seed, mendable, tuple(own.change for own in fixed.kept),
        fixed.trainings, *prices, tuple(_score(own, run, criterion) for own in found), time.perf_counter() - begin,
    )  # fmt: skip


def search(run: Any, trainings: int, rng: np.random.Generator) -> Any:
    """The best on held-out rows of so many random combinations of changes, or the run itself."""
    from backlit.doctor.findings import kinds
    from backlit.doctor.repair.compare import cap, capped, costs, validate
    from backlit.errors import BacklitError

    recipe = run.recipe.with_validation()
    own = validate(run, recipe)
    most = cap(own, "loss", run)
    mendable = [name for name, kind in kinds().items() if kind.repair is not None]
    best, least = run, float(capped(costs(own, "loss", run), most).mean())
    for _ in range(trainings):
        candidate = recipe
        for name in rng.permutation(mendable)[: rng.integers(1, MOST_DRAWN + 1) * 3]:
            try:
                found = kinds()[str(name)].ways(candidate, run)
                candidate = found[rng.integers(len(found))].recipe if found else candidate
            except BacklitError:
                continue
        try:
            tried = candidate.fit(progress=False, probes=None)
            cost = float(capped(costs(validate(tried, candidate), "loss", run), most).mean())
        except BacklitError:
            continue
        if cost < least and tried.targets.kind == run.targets.kind:
            best, least = tried, cost
    return best


def _score(own: Any, run: Any, criterion: str) -> float:
    from backlit.doctor.repair.compare import costs

    if run.targets.kind != "number" or criterion == "error":
        return 1 - float(costs(own, "error" if criterion == "loss" else criterion, run).mean())
    predicted, y = own.run.targets.own_unit(own.outputs.astype(np.float64)).reshape(len(own.y), -1), own.y
    y = y.reshape(len(y), -1)
    with np.errstate(all="ignore"):
        r2 = 1 - np.square(predicted - y).sum() / np.square(y - y.mean(axis=0)).sum()
    return max(-1.0, float(r2)) if np.isfinite(r2) else -1.0


def main(chosen: Any) -> str:
    """All sick cases of a half that are trained."""
    found = []
    sick = [case for case in cases(chosen.half) if case.expected and "missing inputs" not in case.expected]
    for case in [case for case in sick if chosen.only in case.name][:: chosen.every]:
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            found.append(repair(case, seed, chosen.engine))
            if chosen.verbose:
                print(_line(found[-1]), flush=True)
    return table(found)


def _line(own: Outcome) -> str:
    before, mended, drawn = own.scores
    verdict = "better" if own.better(own.mended) else "worse" if own.worse(own.mended) else "-"
    return (
        f"{own.case.name[:32]:<32} {own.seed:>2} {own.before:>8.4f} {own.mended:>8.4f} {own.drawn:>8.4f}  "
        f"{before:>6.3f} {mended:>6.3f} {drawn:>6.3f}  {own.trainings:>3} {own.seconds:>5.1f} {verdict:<6} "
        f"{'; '.join(own.changes) or ('-' if own.mendable else 'yours to decide')}"
    )


def table(found: list[Outcome]) -> str:
    """A line each, and the sums over those that a machine can mend."""
    head = f"{'case':<35} {'cost':>8} {'mended':>8} {'random':>8}  {'score':>6} {'mended':>6} {'random':>6} runs     s"
    lines = [head, *map(_line, found)]
    mendable = [own for own in found if own.mendable]
    for what, rows in (("with a remedy", mendable), ("all sick", found)):
        for name, costs in (("run.fix", [r.mended for r in rows]), ("random search", [r.drawn for r in rows])):
            better = sum(own.better(cost) for own, cost in zip(rows, costs, strict=True))
            worse = sum(own.worse(cost) for own, cost in zip(rows, costs, strict=True))
            place = 1 if name == "run.fix" else 2
            gain = np.mean([own.scores[place] - own.scores[0] for own in rows]) if rows else 0.0
            told = f"better {better} of {len(rows)}, worse {worse}, mean gain of the score {gain:+.3f}"
            lines.append(f"{what:<14} {name:<14} {told}")
    won = sum(own.mended < own.drawn for own in found), sum(own.mended > own.drawn for own in found)
    lines.append(f"run.fix below random search's cost in {won[0]}, above in {won[1]} of {len(found)}")
    lines.append(f"trainings a case {np.mean([own.trainings for own in found]):.1f}")
    return "\n".join(lines)
