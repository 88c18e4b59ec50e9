"""Findings about updates: learning rates against curvature and weights, and where a NaN came from."""

from __future__ import annotations

import math

import numpy as np

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.symptoms import MOST_OFF, dead, saturated, seen, wavering
from backlit.nn import losses

QUADRATIC, CATAPULT = 2.0, 12.0  # learning rate · λ_max: Cauchy 1847; Lewkowycz et al. 2020 for networks with ReLU
LEAP = 0.1  # ‖Δw‖ / ‖w‖ of one update: a hundred times the 1e-3 that is usual
ADAPTIVE_LEAP = 0.3  # of a layer's usual starting size, by which Adam moves each weight in its first step
RISING = 0.05  # of the guess's loss, by which epochs rise in the second half
BURST = 2.0  # times the loss before the first update (or of guessing, if that is more): what an epoch has at most
NOTHING = 0.1  # of the guess's loss got rid of
TRAVEL = 0.3  # of their size that weights can have moved in the whole training
MOVING = 0.01  # ‖Δw‖ / ‖w‖ of one update at least: nothing overshoots in smaller steps
SLOW = 3e-4  # ‖Δw‖ / ‖w‖ of one update: clearly below the usual 1e-3; else there were too few updates
OVERFLOW = 1e6  # outputs or weights beyond it: then the NaN came from growth, not from an undefined value
ADAPTIVE = ("Adam", "AdamW", "RMSprop", "AdaGrad")


def before_training(e: Evidence) -> list[Finding]:
    """The learning rate against 2/λ_max, or for Adam and its kin against the weights that it moves."""
    rate = e.rate
    if e.trained or not rate:
        return []
    kind = type(e.optimizer.last).__name__
    if kind not in ADAPTIVE and e.sharpness and e.sharpness > 0:
        momentum = e.optimizer.option("momentum") or 0.0
        product = rate * e.sharpness / (1 + momentum)
        exact = all(part.kind in ("Linear", "Flatten") for part in e.parts) and len(e.weighted) == 1
        quadratic = exact and type(e.loss).__name__ in ("MeanSquaredError", "SquaredError")
        limit = QUADRATIC if quadratic else CATAPULT
        if product > QUADRATIC:
            best = QUADRATIC * (1 + momentum) / e.sharpness
            severity = "alarm" if product > limit else "remark"
            where = f"λ_max = {e.sharpness:.5g} at the start: gradient descent diverges above 2/λ_max = {best:.5g}"
            source = "2 for a quadratic loss; networks bear up to 12 (Lewkowycz et al. 2020)"
            remedy = f"bl.fit(..., optimizer={_with_rate(e, best / 2)})"
            command = f"--lr {best / 2:.2g}"
            return [
                finding("learning rate too high", where, "learning rate · λ_max", product, limit, source, severity,
                        remedy=remedy, command=command)
            ]  # fmt: skip
    ratio = e.ratio(e.start)
    if kind in ADAPTIVE and ratio is not None and ratio > 10 * ADAPTIVE_LEAP:
        source = "Adam moves each weight by the rate in its first step; such a step replaces the start"
        where = f"learning rate {rate:g}"
        return [finding("learning rate too high", where, "‖Δw‖ / ‖w‖", ratio, 10 * ADAPTIVE_LEAP, source)]
    return []


def _with_rate(e: Evidence, rate: float) -> str:
    last = e.optimizer.last
    return repr(last.replace(learning_rate=float(f"{rate:.2g}"))) if hasattr(last, "replace") else f"bl.SGD({rate:.2g})"


def high(e: Evidence) -> list[Finding]:
    """Steps so large that the loss explodes, wavers, or kills and saturates units that were fine at the start."""
    if not e.trained or e.fitted:
        return []
    rate = "unknown" if e.rate is None else f"{e.rate:g}"
    ratios = [ratio for ratio in (e.ratio(record) for record in [e.start, *e.looks]) if ratio is not None]
    leap = max(ratios, default=0.0)
    skill = e.skill(False)
    follows = seen(e)
    where = f"learning rate {rate}"
    if e.diverged is not None:
        if _producer(e):
            return []
        source = "‖Δw‖ / ‖w‖ is usually about 0.001; this training diverged"
        return [finding("learning rate too high", where, "‖Δw‖ / ‖w‖", leap, LEAP, source, consequences=follows)]
    died = dead(e.last)[1] >= MOST_OFF and dead(e.start)[1] < MOST_OFF / 2
    lost = saturated(e.last)[1] >= MOST_OFF and saturated(e.start)[1] < MOST_OFF / 2
    stuck = lost and (skill is None or skill < NOTHING)
    worse = skill is not None and skill < -0.5 and not _falling(e)
    rising = wavering(e)
    noise = 1 / math.sqrt(e.data.get("rows") or math.inf)  # dropout's, say, in the mean over the rows
    rises = rising > max(RISING, noise)
    if leap < MOVING:
        return []
    burst = _burst(e)
    unseen = e.skill(e.held)  # what settles about a level predicts other rows, too
    only = not (died or stuck or worse or burst) and min(skill or 0.0, unseen or 0.0) > NOTHING
    if only and (rising > max(4 * RISING, noise) or (leap > LEAP and rises)):
        source = "a twentieth: batches differ, but not by so much"
        measure = "mean rise of the loss in the second half, of the guess's"
        rest = {} if e.rate is None else {"remedy": _settling(e)}
        return [
            finding("learning rate oscillating", where, measure, rising, RISING, source, consequences=follows, **rest)
        ]
    if leap > LEAP and (died or stuck or worse or burst or rises):
        source = "a hundred times the usual 0.001, and the loss wavers, or units were lost that worked at first"
        return [finding("learning rate too high", where, "‖Δw‖ / ‖w‖", leap, LEAP, source, consequences=follows)]
    idle = died and (skill is None or skill < NOTHING)
    if worse or idle or rising > max(4 * RISING, noise):
        measure, value = "rise of the loss, of the guess's", max(rising, -(skill or 0.0))
        source = "a twentieth: batches differ, but not by so much"
        return [finding("learning rate too high", where, measure, value, 4 * RISING, source, consequences=follows)]
    return []


def _settling(e: Evidence) -> str:
    """The same optimizer with a rate that starts at a third of this one and falls to 0."""
    last = e.optimizer.last
    start, steps = float(f"{(e.rate or 0.0) / 3:.2g}"), max(1, len(e.history) * e.steps)
    return f"bl.fit(..., optimizer=bl.{type(last).__name__}(learning_rate=bl.optim.Cosine({start:g}, {steps})))"


def _burst(e: Evidence) -> bool:
    """Whether the first updates threw the loss far above where it began."""
    first, losses = e.start.get("loss"), e.column("loss")
    return bool(first and e.guess and len(losses) and losses.max() > BURST * max(first, e.guess))


def _falling(e: Evidence) -> bool:
    """Whether the training loss ends clearly below where it began: then it is only on its way."""
    first, end = e.start.get("loss"), e.end("loss")
    return first is not None and end is not None and end < 0.9 * first


def low(e: Evidence) -> list[Finding]:
    """All updates together can't have moved the weights."""
    if not e.trained or e.fitted or e.diverged is not None or not e.looks:
        return []
    told = [(record["step"], e.ratio(record)) for record in e.looks]
    known = [(step, ratio) for step, ratio in told if ratio is not None]
    if not known:
        return []
    places, ratios = np.array([0, *(step for step, _ in known)]), np.array([known[0][1], *(r for _, r in known)])
    travel = float(((ratios[1:] + ratios[:-1]) / 2 * np.diff(places)).sum())
    if travel > TRAVEL or (max(ratios) == 0 and e.rate != 0) or max(ratios) > SLOW:
        return []
    rate = "unknown" if e.rate is None else f"{e.rate:g}"
    where = f"learning rate {rate}, {known[-1][0]} updates"
    source = "weights must move by about their own size to learn something"
    factor = 10 ** max(1, math.ceil(math.log10(TRAVEL / max(travel, 1e-12))))
    remedy = f"bl.fit(..., optimizer={_with_rate(e, (e.rate or 1e-3) * factor)})"
    return [
        finding("learning rate too low", where, "Σ ‖Δw‖ / ‖w‖ over all updates", travel, TRAVEL, source,
                consequences=seen(e), remedy=remedy)
    ]  # fmt: skip


def _producer(e: Evidence) -> bool:
    """Whether the NaN came from an undefined value rather than from growth: before it, all was of usual size."""
    if e.diverged is None or e.diverged.layer.startswith("parameter"):
        return False
    sizes = [
        abs(own[name])
        for own in e.last.get("layers", {}).values()
        for name in ("min", "max")
        if own.get(name) is not None
    ]
    grown = max(sizes, default=0.0) > OVERFLOW
    losses = e.column("loss")
    if len(losses) and e.guess and losses[-1] > 10 * e.guess:
        return False
    leap = max((e.ratio(record) or 0.0 for record in [e.start, *e.looks]), default=0.0)
    return undefined_somewhere(e) and not grown and leap < 1.0


def undefined_somewhere(e: Evidence) -> bool:
    """Whether what turned bad first can give NaN for usual numbers: our own layers, and losses on scores, can't."""
    place = e.diverged.layer
    if place.startswith("the loss"):
        return not losses.built_in(e.loss) or e.loss.activation == "identity"
    kind = {f"layer {part.path}": part for part in e.parts}.get(place)
    if kind is not None and type(kind.layer).__module__.startswith("backlit.nn."):
        return (e.data.get("sequences") or {}).get("empty", 0.0) > 0  # `Masked` around it: rows of padding alone
    return bool(place.startswith(("layer", "the network")))


def nan(e: Evidence) -> list[Finding]:
    """A layer or loss that made a NaN from finite, ordinary numbers."""
    if e.diverged is None or e.diverged.layer == "the input data" or not _producer(e):
        return []
    where = f"{e.diverged.layer}, in epoch {e.diverged.epoch}, step {e.diverged.step}"
    source = "the first bad value, forward; what entered it was finite"
    return [finding("source of NaN", where, "NaN or infinite values", None, 0.0, source, consequences=seen(e))]


RULES = (before_training, nan, high, low)
