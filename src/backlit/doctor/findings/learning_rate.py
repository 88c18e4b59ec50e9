"""Learning rates against curvature and weights: too high, too high to settle, too low."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.undefined import before_any_update, made_from_finite
from backlit.doctor.repair import settings, updates
from backlit.doctor.symptoms import MOST_OFF, dead, saturated, seen, wavering
from backlit.languages import Message, Template
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.shaping import Flatten
from backlit.nn.losses import MeanSquaredError, SquaredError
from backlit.nn.spec.transformer import is_transformer
from backlit.optim import schedules
from backlit.optim.adaptive import AdaGrad, Adam, AdamW, RMSprop
from backlit.optim.transform import Optimizer

QUADRATIC, CATAPULT = 2.0, 12.0  # learning rate · λ_max: Cauchy 1847; Lewkowycz et al. 2020 for networks with ReLU
USUAL = 0.01  # ‖Δw‖ / ‖w‖ of one update at the most, where a training gets on well
LEAP = 0.1  # ‖Δw‖ / ‖w‖ of one update: a hundred times the 1e-3 that is usual
ADAPTIVE_LEAP = 3.0  # ten times a third of a layer's starting size, by which Adam moves each weight in its first step
RISING = 0.05  # of the guess's loss, by which epochs rise in the second half
BURST = 2.0  # times the loss before the first update (or of guessing, if that is more): what an epoch has at most
NOTHING = 0.1  # of the guess's loss got rid of
WORSE = -0.5  # skill: half as much again as the guess's loss
FALLEN = 0.9  # of the first loss: then training is on its way
TRAVEL = 0.3  # of their size that weights can have moved in the whole training
MOVING = 0.01  # ‖Δw‖ / ‖w‖ of one update at least: nothing overshoots in smaller steps
SLOW = 3e-4  # ‖Δw‖ / ‖w‖ of one update: clearly below the usual 1e-3; else there were too few updates
MOST_ADAPTIVE, MOST_PLAIN = 0.03, 3.0  # rates that are ever of use, where inputs and targets are of usual size
FEW_UNITS = 4  # of a layer
RAISED = 3.0  # times the rate, at least, that is advised in place of it
ADAPTIVE = (Adam, AdamW, RMSprop, AdaGrad)

_RATE = Template("learning rate {rate}", "학습률 {rate}")
_UNKNOWN = Template("unknown", "알 수 없음")
_LEAP = Template("‖Δw‖ / ‖w‖", "‖Δw‖ / ‖w‖")
_TWENTIETH = Template("a twentieth: batches differ, but not by so much", "20분의 1. 배치마다 다르지만 그만큼은 아님")
_SLOWER = "bl.fit(..., optimizer={optimizer})  # the rate was {rate}; bl.lr_find looks for one"
_LOWER = "--lr {lower:.2g}"
CURVED = Sign(
    Template(
        "λ_max = {curvature:.5g} at the start: gradient descent diverges above 2/λ_max = {best:.5g}",
        "학습 전 λ_max = {curvature:.5g}: 학습률이 2/λ_max = {best:.5g}보다 크면 발산",
    ),
    Template("learning rate · λ_max", "학습률 · λ_max"),
    Template(
        "2 for a quadratic loss; networks bear up to 12 (Lewkowycz et al. 2020)",
        "이차 손실이면 2이고, 신경망은 12까지 견디기도 함(Lewkowycz et al. 2020)",
    ),
    remedy="bl.fit(..., optimizer={optimizer})",
    command=_LOWER,
)
FIRST_LEAP = Sign(
    _RATE,
    _LEAP,
    Template(
        "Adam moves each weight by the rate in its first step; such a step replaces the start",
        "Adam은 첫 갱신에서 가중치를 학습률만큼 움직이므로, 이 정도면 초깃값이 남지 않음",
    ),
    remedy=_SLOWER,
    command=_LOWER,
)
DIVERGED = Sign(
    _RATE,
    _LEAP,
    Template(
        "‖Δw‖ / ‖w‖ is usually about 0.001; this training diverged",
        "‖Δw‖ / ‖w‖는 보통 0.001쯤인데, 이 학습은 발산함",
    ),
    remedy=_SLOWER,
    command=_LOWER,
)
LEAPING = Sign(
    _RATE,
    _LEAP,
    Template(
        "a hundred times the usual 0.001, and the loss wavers, or units were lost that worked at first",
        "보통 값 0.001의 백 배. 손실이 출렁이거나, 처음에는 움직이던 유닛이 꺼짐",
    ),
    remedy=_SLOWER,
    command=_LOWER,
)
BEFORE_ATTENTION = Sign(
    _RATE,
    _LEAP,
    Template(
        "a hundred times the usual 0.001: attention was fixed by the first updates, and nothing was learned since; "
        "Transformers need a warm-up (Xiong et al. 2020)",
        "보통 값 0.001의 백 배. 어텐션(attention)이 첫 갱신에서 굳어 그 뒤로 배운 것이 없음. "
        "트랜스포머에는 예열(warm-up)이 필요함(Xiong et al. 2020)",
    ),
    remedy='bl.fit(..., optimizer={optimizer}, schedule="warmup:{warm:g} cosine")  # the rate was {rate}',
    command='--lr {lower:.2g} --schedule "warmup:{warm:g} cosine"',
)
GREW = Sign(
    Template(
        "learning rate {rate}: finite at the start, infinite in epoch {epoch}, update {step}",
        "학습률 {rate}: 처음에는 유한했으나 에포크 {epoch}의 갱신 {step}에서 무한대가 됨",
    ),
    _LEAP,
    Template("updates alone can have made it so", "그렇게 만들 수 있는 것은 갱신뿐임"),
    remedy=_SLOWER,
    command=_LOWER,
)
KILLED = Sign(
    Template(
        "learning rate {rate}: at first {first:.0%} of layer {layer}'s units were off",
        "학습률 {rate}: 처음에는 {layer}번 층 유닛의 {first:.0%}만 꺼져 있었음",
    ),
    Template("share of its units that are off at the end", "학습 뒤 꺼진 유닛의 비율"),
    Template(
        "half of the units, of which less than half as many were off at the start",
        "유닛의 절반. 처음에는 그 절반도 꺼져 있지 않았음",
    ),
    remedy=_SLOWER,
    command=_LOWER,
)
RISEN = Sign(
    _RATE,
    Template("rise of the loss, of the guess's", "손실이 오른 정도(추측 손실에 대한 비율)"),
    _TWENTIETH,
    remedy=_SLOWER,
    command=_LOWER,
)
WAVERING = Sign(
    _RATE,
    Template(
        "mean rise of the loss in the second half, of the guess's",
        "후반에 손실이 오르는 폭의 평균(추측 손실에 대한 비율)",
    ),
    _TWENTIETH,
)
COULD_SETTLE = dataclasses.replace(
    WAVERING,
    remedy="bl.fit(..., optimizer={optimizer})",
    command="--lr {start:.2g} --schedule cosine",
)
HARDLY_MOVED = Sign(
    Template("learning rate {rate}, {updates} updates", "학습률 {rate}, 갱신 {updates}번"),
    Template("Σ ‖Δw‖ / ‖w‖ over all updates", "모든 갱신의 Σ ‖Δw‖ / ‖w‖"),
    Template(
        "weights must move by about their own size to learn something",
        "무언가 배우려면 가중치가 제 크기만큼은 움직여야 함",
    ),
    remedy="bl.fit(..., optimizer={optimizer})",
    command="--lr {better:.2g}",
)


def before_training(e: Evidence) -> list[Finding]:
    """The learning rate against 2/λ_max, or for Adam and its kin against the weights that it moves."""
    rate = e.rate
    if e.trained or not rate:
        return []
    adaptive = isinstance(e.optimizer.last, ADAPTIVE)
    if not adaptive and e.sharpness and e.sharpness > 0:
        momentum = e.optimizer.option("momentum") or 0.0
        product = rate * e.sharpness / (1 + momentum)
        exact = all(isinstance(part.layer, (Linear, Flatten)) for part in e.parts) and len(e.weighted) == 1
        limit = QUADRATIC if exact and isinstance(e.loss, (MeanSquaredError, SquaredError)) else CATAPULT
        if product > QUADRATIC:
            best = QUADRATIC * (1 + momentum) / e.sharpness
            values: dict[str, Any] = {
                "curvature": e.sharpness,
                "best": best,
                "lower": float(f"{best / 2:.2g}"),
                "optimizer": _with_rate(e, best / 2),
            }
            severity = "alarm" if product > limit else "remark"
            return [TOO_HIGH.found(CURVED, product, limit, severity=severity, **values)]
    ratio = e.ratio(e.start)
    if adaptive and ratio is not None and ratio > ADAPTIVE_LEAP:
        return [TOO_HIGH.found(FIRST_LEAP, ratio, ADAPTIVE_LEAP, **_lower(e, ratio / ADAPTIVE_LEAP))]
    return []


def _with_rate(e: Evidence, rate: float) -> str:
    """The optimizer as it would be written with another rate."""
    last = e.optimizer.last
    known = isinstance(last, Optimizer)
    return pasted(last.replace(learning_rate=float(f"{rate:.2g}"))) if known else f"bl.SGD({rate:.2g})"


def pasted(optimizer: Any) -> str:
    """An optimizer as code that can be pasted, with its schedules.

    Examples
    --------
    >>> from backlit import optim
    >>> pasted(optim.SGD(optim.Cosine(0.1, 100)))
    'bl.SGD(learning_rate=bl.optim.Cosine(start=0.1, steps=100))'
    """
    return "bl." + re.sub(rf"\b({'|'.join(schedules.__all__)})\(", r"bl.optim.\1(", repr(optimizer))


def _shown(rate: float | None) -> str | Message:
    return _UNKNOWN.of() if rate is None else f"{rate:g}"


def _lower(e: Evidence, too_large: float) -> dict[str, Any]:
    """The rate as it is, and the optimizer with one so many times lower, or a tenth of it if that is less."""
    lower = float(f"{(e.rate or 0.01) / max(10.0, too_large):.2g}")
    return {"rate": _shown(e.rate), "lower": lower, "optimizer": _with_rate(e, lower)}


def high(e: Evidence) -> list[Finding]:
    """Steps so large that the loss explodes, wavers, or kills and saturates units that were fine at the start."""
    if not e.trained or e.fitted or e.optimizer.option("maximize"):
        return []  # a loss that is climbed rises with any rate
    ratios = [ratio for ratio in (e.ratio(record) for record in [e.start, *e.looks]) if ratio is not None]
    leap, follows = max(ratios, default=0.0), seen(e)
    told = _lower(e, leap / USUAL)
    if e.diverged is not None:
        if made_from_finite(e) or before_any_update(e):
            return []
        if leap > LEAP:
            return [TOO_HIGH.found(DIVERGED, leap, LEAP, follows, **told)]
        when: dict[str, Any] = {"epoch": e.diverged.epoch, "step": e.diverged.step}
        return [TOO_HIGH.found(GREW, None, None, follows, **told, **when)]
    if leap < MOVING:
        return []
    skill = e.skill(False)
    learned_nothing = skill is None or skill < NOTHING
    died = dead(e.last)[1] >= MOST_OFF and dead(e.start)[1] < MOST_OFF / 2
    lost = saturated(e.last)[1] >= MOST_OFF and saturated(e.start)[1] < MOST_OFF / 2
    stuck = lost and learned_nothing
    worse = skill is not None and skill < WORSE and not _falling(e)
    burst, rising = _burst(e), wavering(e)
    noise = 1 / math.sqrt(e.data.get("rows") or math.inf)  # dropout's, say, in the mean over the rows
    rises, rises_far = rising > max(RISING, noise), rising > max(4 * RISING, noise)
    unseen = e.skill(e.validated)  # what settles about a level predicts other rows, too
    only_wavers = not (died or stuck or worse or burst) and min(skill or 0.0, unseen or 0.0) > NOTHING
    if only_wavers and (rises_far or (leap > LEAP and rises)):
        sign = WAVERING if e.rate is None else COULD_SETTLE
        return [OSCILLATING.found(sign, rising, RISING, follows, **(told | _settling(e)))]
    if leap > LEAP and (died or stuck or worse or burst or rises):
        return [TOO_HIGH.found(LEAPING, leap, LEAP, follows, **told)]
    if leap > LEAP and learned_nothing and is_transformer(e.network.architecture):
        warm = max(1, len(e.history) // 10)
        return [TOO_HIGH.found(BEFORE_ATTENTION, leap, LEAP, follows, **told, warm=warm)]
    if died and learned_nothing and not (worse or rises_far):
        path, share = dead(e.last)
        if width(e, path) <= FEW_UNITS:
            return []  # the last of so few units goes off by chance
        at_first = e.start.get("layers", {}).get(path, {}).get("dead") or 0.0
        return [TOO_HIGH.found(KILLED, share, MOST_OFF, follows, **told, layer=path, first=at_first)]
    if worse or rises_far:
        return [TOO_HIGH.found(RISEN, max(rising, -(skill or 0.0)), 4 * RISING, follows, **told)]
    return []


def width(e: Evidence, path: str) -> int:
    """Units of the layer at a path; 0 if there is none."""
    return next((part.output[-1] for part in e.parts if part.path == path), 0)


def _settling(e: Evidence) -> dict[str, Any]:
    """The same optimizer with a rate that starts at a third of this one and falls to 0."""
    start, steps = float(f"{(e.rate or 0.0) / 3:.2g}"), max(1, len(e.history) * e.steps)
    return {"optimizer": falling(e.optimizer, start, steps), "start": start, "steps": steps}


def falling(optimizer: Any, start: float, steps: int) -> str:
    """An optimizer's code, all else as it is, with a rate that falls from `start` to 0 over the training.

    Examples
    --------
    >>> from backlit import optim
    >>> falling(optim.SGD(0.3, momentum=0.9), 0.1, 100)
    'bl.SGD(learning_rate=bl.optim.Cosine(start=0.1, steps=100), momentum=0.9)'
    >>> falling(optim.SGD(optim.Cosine(0.3, 100)), 0.1, 100)
    'bl.SGD(learning_rate=bl.optim.Cosine(start=0.1, steps=100))'
    """
    last = optimizer.last
    rate = schedules.Cosine(start, steps)
    return pasted(last.replace(learning_rate=rate)) if isinstance(last, Optimizer) else f"bl.SGD({rate!r})"


def _burst(e: Evidence) -> bool:
    """Whether the first updates threw the loss far above where it began."""
    first, losses = e.start.get("loss"), e.column("loss")
    return bool(first and e.guess and len(losses) and losses.max() > BURST * max(first, e.guess))


def _falling(e: Evidence) -> bool:
    """Whether the training loss ends clearly below where it began: then it is only on its way."""
    first, end = e.start.get("loss"), e.end("loss")
    return first is not None and end is not None and end < FALLEN * first


def low(e: Evidence) -> list[Finding]:
    """All updates together can't have moved the weights."""
    if not e.trained or e.fitted or e.diverged is not None or not e.looks:
        return []
    ratios = [ratio for ratio in map(e.ratio, e.looks) if ratio is not None]
    travel = e.travel
    if travel is None or travel > TRAVEL or (max(ratios) == 0 and e.rate != 0) or max(ratios) > SLOW or e.still:
        return []  # without a gradient, no rate moves anything
    factor = 10 ** max(1, math.ceil(math.log10(TRAVEL / max(travel, 1e-12))))
    adaptive = isinstance(e.optimizer.last, ADAPTIVE)
    better = min((e.rate or 1e-3) * factor, MOST_ADAPTIVE if adaptive else MOST_PLAIN)
    if e.rate and better <= RAISED * e.rate:
        return []  # the rate is as high as can be: what is small is the gradient
    values = {"updates": e.looks[-1]["step"], "optimizer": _with_rate(e, better), "better": float(f"{better:.2g}")}
    return [TOO_LOW.found(HARDLY_MOVED, travel, TRAVEL, seen(e), rate=_shown(e.rate), **values)]


TOO_HIGH = Kind(
    name=Template("learning rate too high", "학습률(learning rate)이 너무 높음"),
    stage=Stage.UPDATES,
    place=7,
    role=Role.CAUSE,
    cause=Template(
        "Updates overshoot: beyond 2/λ_max each step lands higher on the other side of the valley.",
        "갱신이 지나칩니다. 학습률이 2/λ_max를 넘으면 갱신할 때마다 골짜기 건너편의 더 높은 곳에 떨어집니다.",
    ),
    remedy="bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # lower than now; bl.lr_find looks for one",
    command="--lr 0.001",
    effect=Template("a loss that falls from epoch to epoch", "손실이 에포크마다 줄어듭니다."),
    signs=(CURVED, FIRST_LEAP, DIVERGED, GREW, LEAPING, KILLED, RISEN),
    rules=(before_training, high),
    repair=settings.slower,
)

OSCILLATING = Kind(
    name=Template("learning rate oscillating", "손실이 진동하는 학습률"),
    stage=Stage.UPDATES,
    place=8,
    role=Role.CAUSE,
    cause=Template(
        "Updates are small enough to learn, but too large to settle: the loss goes up and down about a level above its "
        "least.",
        "배울 수는 있지만 자리를 잡기에는 갱신이 너무 큽니다. 손실이 가장 낮았던 값보다 높은 곳에서 오르내립니다.",
    ),
    remedy='bl.fit(..., schedule="cosine")  # the rate falls to 0; or a third of it',
    command="--lr 0.001",
    effect=Template("a loss that settles, lower than now", "손실이 지금보다 낮은 곳에서 자리를 잡습니다."),
    signs=(WAVERING, COULD_SETTLE),
    rules=(high,),
    repair=updates.settled,
)

TOO_LOW = Kind(
    name=Template("learning rate too low", "학습률(learning rate)이 너무 낮음"),
    stage=Stage.UPDATES,
    place=9,
    role=Role.CAUSE,
    cause=Template(
        "All updates together can hardly move the weights: the loss still falls when training ends, and slowly.",
        "갱신을 모두 합쳐도 가중치가 거의 움직이지 않습니다. 학습이 끝날 때까지 손실이 천천히 줄고 있습니다.",
    ),
    remedy="bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # ten times the rate; bl.lr_find looks for one",
    command="--lr 0.01",
    effect=Template("the same loss in a tenth of the epochs", "10분의 1의 에포크로 같은 손실에 이릅니다."),
    signs=(HARDLY_MOVED,),
    rules=(low,),
    repair=settings.faster,
)

KINDS = (TOO_HIGH, OSCILLATING, TOO_LOW)
