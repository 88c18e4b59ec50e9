"""Sick runs mended by `run.fix`, beside random search over the same changes and `bl.tune`, with as much time each.

A quarter of a case's rows is kept from all three, and the original, for the judgement.
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
    trainings : float
        Worth of updates that `run.fix` took, in trainings of the run's own length.
    before, mended, drawn, tuned : float
        Costs on rows that none of them saw (see `costs`): of the original, `run.fix`, random search and `bl.tune`.
    scores : tuple of float
        Accuracy (of all classes alike, where one is rare) or R² of the same four.
    seconds : float
        That `run.fix` took, and the others had.
    """

    case: Case
    seed: int
    mendable: bool
    changes: tuple[str, ...]
    trainings: float
    before: float
    mended: float
    drawn: float
    tuned: float
    scores: tuple[float, float, float, float]
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

    net, x, y, options = ready(case, seed)
    order = np.random.default_rng([seed, 11]).permutation(len(x))
    cut = int(TEST * len(x))
    test = (x[order[:cut]], y[order[:cut]])
    if "sample_weight" in options:
        options["sample_weight"] = options["sample_weight"][order[cut:]]
    run = bl.fit(net, x[order[cut:]], y[order[cut:]], **options, engine=engine)
    begin = time.perf_counter()
    fixed = run.fix()
    seconds = time.perf_counter() - begin
    drawn = search(run, seconds, np.random.default_rng([seed, 13]))
    tuned = tune(run, seconds)
    criterion = "loss"
    if "imbalance hidden by accuracy" in case.expected:
        criterion = "balanced error"
    elif "classes as numbers" in case.expected:
        criterion = "error"
    found = []
    for own in (run, fixed.run, drawn, tuned):
        targets = test[1] if own.targets.kind == run.targets.kind else test[1].astype(int)
        found.append(validate(own, run.recipe.replace(validation=(test[0], targets))))
    most = cap(found[0], criterion, run)
    prices = [float(capped(costs(own, criterion, run), most).mean()) for own in found]
    known = kinds()
    mendable = any(name in known and known[name].repair is not None for name in case.expected)
    return Outcome(
        case, seed, mendable, tuple(own.change for own in fixed.kept),
        fixed.length, *prices, tuple(_score(own, run, criterion) for own in found), seconds,
    )  # fmt: skip


def tune(run: Any, seconds: float) -> Any:
    """What `bl.tune` makes of the same network in so much time, or the run itself where that is better."""
    import backlit as bl
    from backlit.doctor.repair.compare import cap, capped, costs, validate

    recipe = run.recipe.with_validation()
    names = ("loss", "optimizer", "epochs", "batch_size", "validation", "seed", "penalty", "class_weight", "engine")
    given = {name: getattr(recipe.training, name) for name in names}
    try:
        found = bl.tune(recipe.network, recipe.x, recipe.y, test=None, time_limit=max(seconds, 0.1), **given,
                        progress=False).run  # fmt: skip
    except bl.BacklitError:
        return run
    own, other = validate(run, recipe), validate(found, recipe)
    most = cap(own, "loss", run)
    before, after = (float(capped(costs(each, "loss", run), most).mean()) for each in (own, other))
    return found if after < before else run


def search(run: Any, seconds: float, rng: np.random.Generator) -> Any:
    """The best on held-out rows of as many random combinations of changes as the time allows, or the run itself."""
    from backlit.doctor.findings import kinds
    from backlit.doctor.repair.compare import cap, capped, costs, validate
    from backlit.errors import BacklitError

    recipe = run.recipe.with_validation()
    own = validate(run, recipe)
    most = cap(own, "loss", run)
    mendable = [name for name, kind in kinds().items() if kind.repair is not None]
    best, least = run, float(capped(costs(own, "loss", run), most).mean())
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
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
    before, mended, drawn, tuned = own.scores
    verdict = "better" if own.better(own.mended) else "worse" if own.worse(own.mended) else "-"
    return (
        f"{own.case.name[:32]:<32} {own.seed:>2} {own.before:>8.4f} {own.mended:>8.4f} {own.drawn:>8.4f} "
        f"{own.tuned:>8.4f}  {before:>6.3f} {mended:>6.3f} {drawn:>6.3f} {tuned:>6.3f}  {own.trainings:>4.1f} "
        f"{own.seconds:>5.1f} {verdict:<6} {'; '.join(own.changes) or ('-' if own.mendable else 'yours to decide')}"
    )


def table(found: list[Outcome]) -> str:
    """A line each, and the sums over those that a machine can mend."""
    heads = ("cost", "mended", "random", "tuned")
    costs, scores = (" ".join(f"{name:>{width}}" for name in heads) for width in (8, 6))
    head = f"{'case':<35} {costs}  {scores.replace('  cost', ' score', 1)}  runs     s"
    lines = [head, *map(_line, found)]
    mendable = [own for own in found if own.mendable]
    names = ("run.fix", "random search", "bl.tune")
    for what, rows in (("with a remedy", mendable), ("all sick", found)):
        for place, name in enumerate(names, 1):
            costs_of = [(row.mended, row.drawn, row.tuned)[place - 1] for row in rows]
            better = sum(own.better(cost) for own, cost in zip(rows, costs_of, strict=True))
            worse = sum(own.worse(cost) for own, cost in zip(rows, costs_of, strict=True))
            gain = np.mean([own.scores[place] - own.scores[0] for own in rows]) if rows else 0.0
            told = f"better {better} of {len(rows)}, worse {worse}, mean gain of the score {gain:+.3f}"
            lines.append(f"{what:<14} {name:<14} {told}")
        for place, name in ((2, "random search"), (3, "bl.tune")):
            ahead = np.array([own.scores[1] - own.scores[place] for own in rows])
            error = ahead.std(ddof=1) / np.sqrt(len(ahead)) if len(ahead) > 1 else float("nan")
            lines.append(f"{what:<14} run.fix ahead of {name}: score {ahead.mean():+.3f} ± {error:.3f}")
    for other in ("drawn", "tuned"):
        below = sum(own.mended < getattr(own, other) for own in found)
        above = sum(own.mended > getattr(own, other) for own in found)
        name = "random search" if other == "drawn" else "bl.tune"
        lines.append(f"run.fix below {name}'s cost in {below}, above in {above} of {len(found)}")
    lines.append(f"trainings' worth a case {np.mean([own.trainings for own in found]):.1f}")
    return "\n".join(lines)
