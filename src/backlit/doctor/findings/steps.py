"""Updates that something else than the rate decides: clipping, momentum, a schedule, Huber's delta, weights of rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import SURE, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.learning_rate import ADAPTIVE, falling, pasted
from backlit.doctor.repair import updates
from backlit.doctor.symptoms import seen
from backlit.languages import Template
from backlit.nn.losses import Huber
from backlit.optim.clipping import ClipGlobalNorm, ClipNorm, ClipValue

CUT = 0.05  # of the gradient that is left
LITTLE = 0.01  # ‖Δw‖ / ‖w‖ of one update, at most, where clipping holds training back
LONG = 0.97  # momentum: the mean of some thirty gradients
LASTING = 0.3  # of all updates, that a mean of gradients goes over: by then it is of another network
EARLY = 0.6  # of the training, after which the rate is nothing any more
FAR_BELOW = 0.1  # of the targets' spread
FEW, ONE_CLASS, NOT_SO = 0.05, 0.95, 0.8  # rows that count, of all; weight of one class; its share of the rows
NOTHING = 0.01  # of the mean row's weight
BEHIND, FAR_BEHIND = 0.1, 0.3  # of the guess's loss, that held-out rows lie behind training rows

CLIPPED = Sign(
    Template("clip {limit:g}, gradient norm {norm:.3g}", "clip {limit:g}, 기울기의 크기 {norm:.3g}"),
    Template("share of the gradient that is left", "남는 기울기의 비율"),
    Template("a twentieth, of the middle look at the gradient", "20분의 1. 가운데 관찰에서 잰 기울기 기준"),
    remedy="bl.fit(..., clip={better:.2g})  # it was {limit:g}; a few times the usual norm",
)
LONG_MEMORY = Sign(
    Template(
        "momentum {momentum:g}: the mean of {count:.0f} gradients", "모멘텀 {momentum:g}: 기울기 {count:.0f}개의 평균"
    ),
    Template("momentum", "모멘텀"),
    Template(
        "0.9 is usual; updates go on for as many steps in a direction that is long past",
        "보통 0.9. 이미 지나간 방향으로 그만큼 더 나아감",
    ),
    remedy="bl.fit(..., optimizer={optimizer})  # momentum was {momentum:g}",
)
OVER = Sign(
    Template(
        "after update {update} of {updates}, the rate is below a hundredth of its greatest",
        "갱신 {updates}번 가운데 {update}번 뒤로는 학습률이 최댓값의 100분의 1에 못 미침",
    ),
    Template("share of the training that the rate is alive", "학습률이 살아 있는 기간의 비율"),
    Template("six tenths: the rest of the training changes nothing", "10분의 6. 나머지 학습은 아무것도 바꾸지 않음"),
    remedy="bl.fit(..., optimizer={optimizer})",
    command="--lr {rate:g} --schedule cosine",
)
DELTA = Sign(
    Template(
        "Huber(delta={delta:g}), targets vary by {std:.3g}", "Huber(delta={delta:g}), 목푯값이 퍼진 정도 {std:.3g}"
    ),
    Template("delta, of the targets' standard deviation", "delta(목푯값의 표준 편차에 대한 비율)"),
    Template(
        "a tenth: beyond delta a row's gradient is never more than delta, so steps are as much too small",
        "10분의 1. 오차가 delta를 넘으면 기울기가 delta를 넘지 못해 갱신도 그만큼 작아짐",
    ),
    remedy="bl.fit(..., loss=bl.losses.Huber(delta={better:.2g}))  # it was {delta:g}",
)
FEW_COUNT = Sign(
    Template("weights of the rows", "데이터의 가중치"),
    Template("rows that count, (Σw)² / (n Σw²)", "실제로 반영되는 데이터의 비율 (Σw)² / (n Σw²)"),
    Template("a twentieth of the rows", "데이터의 20분의 1"),
)
ONE_COUNTS = Sign(
    Template("{share:.0%} of the rows are of that class", "데이터의 {share:.0%}{이/가} 그 클래스"),
    Template("share of all weight on one class", "한 클래스에 실린 가중치의 비율"),
    Template("nineteen twentieths", "20분의 19"),
)
NOT_COUNTED = Sign(
    Template(
        "class {number}, counted from 0, of {least_share:.0%} of the rows",
        "0부터 세어 {number}번 클래스(데이터의 {least_share:.0%})",
    ),
    Template("weight of a row of that class, of the mean row's", "그 클래스 데이터의 가중치(평균에 대한 비율)"),
    Template(
        "a hundredth: the loss hardly says what such rows are", "100분의 1. 손실에 그 데이터가 거의 반영되지 않음"
    ),
)


def _poor(e: Evidence) -> bool:
    return e.trained and not e.fitted and e.diverged is None


def clipping(e: Evidence) -> list[Finding]:
    """Clipping that leaves next to nothing of each gradient, with an optimizer that takes it as it comes."""
    clips = [part for part in e.optimizer.transforms if isinstance(part, (ClipGlobalNorm, ClipNorm, ClipValue))]
    norms = [norm for norm in map(e.gradient, [e.start, *e.looks]) if norm]
    ratios = [ratio for ratio in map(e.ratio, e.looks) if ratio is not None]
    if not _poor(e) or not clips or not norms or isinstance(e.optimizer.last, ADAPTIVE):
        return []
    limit, norm = min(part.limit for part in clips), float(np.median(norms))
    most = limit * math.sqrt(e.network.size) if isinstance(clips[0], ClipValue) else limit
    if most / norm >= CUT or max(ratios, default=0.0) > LITTLE:
        return []
    return [CLIPPING.found(CLIPPED, most / norm, CUT, seen(e), limit=limit, norm=norm, better=2 * norm)]


def momentum(e: Evidence) -> list[Finding]:
    """Momentum of so long a memory that the updates follow what is long past."""
    value = e.optimizer.option("momentum") or e.optimizer.option("beta1") or 0.0
    if not e.trained or value <= LONG or e.diverged is not None:
        return []
    count, known, unseen = 1 / (1 - value), e.skill(False) or 0.0, e.skill(True)
    lasting = count >= LASTING * e.updates
    thrown = lasting and unseen is not None and known - unseen > FAR_BEHIND  # it went on where it had long arrived
    if not thrown and (known >= SURE or (e.fitted and not lasting)):
        return []
    name = "momentum" if e.optimizer.option("momentum") else "beta1"
    optimizer = pasted(e.optimizer.last.replace(**{name: 0.9}))
    values: dict[str, Any] = {"momentum": value, "count": count, "optimizer": optimizer}
    severity = "remark" if e.fitted and not thrown else "alarm"
    return [MOMENTUM.found(LONG_MEMORY, value, LONG, seen(e), severity, **values)]


def schedule(e: Evidence) -> list[Finding]:
    """A rate that falls to nothing long before the training ends, while nothing was learned yet."""
    if not _poor(e) or e.died_at > EARLY:
        return []
    values: dict[str, Any] = {
        "update": round(e.died_at * e.updates), "updates": e.updates, "rate": e.rate or 0.001,
        "optimizer": falling(e.optimizer, e.rate or 0.001, e.updates),
    }  # fmt: skip
    return [TOO_SOON.found(OVER, e.died_at, EARLY, seen(e), **values)]


def delta(e: Evidence) -> list[Finding]:
    """Huber's delta far below the targets' spread, with an optimizer whose steps are as large as its gradient."""
    std = e.targets.get("std")
    if not isinstance(e.loss, Huber) or not std or not _poor(e) or isinstance(e.optimizer.last, ADAPTIVE):
        return []
    share = e.loss.delta / std
    if share >= FAR_BELOW:
        return []
    return [DELTA_TOO_SMALL.found(DELTA, share, FAR_BELOW, seen(e), delta=e.loss.delta, std=std, better=std)]


def weights(e: Evidence) -> list[Finding]:
    """Weights of classes or rows that leave few of them to decide."""
    facts: dict[str, Any] = e.data.get("weighing") or {}
    share = facts.get("share", 1.0)
    if not e.well and facts.get("effective", 1.0) < FEW:
        return [LOPSIDED.found(FEW_COUNT, facts["effective"], FEW, seen(e))]
    if not e.well and facts.get("most", 0.0) > ONE_CLASS and share <= NOT_SO:
        return [LOPSIDED.found(ONE_COUNTS, facts["most"], ONE_CLASS, seen(e), share=share)]
    known, unseen = e.skill(False), e.skill(True)
    behind = known is not None and unseen is not None and known - unseen > BEHIND
    if facts.get("least", 1.0) >= NOTHING or _spared(e, int(facts["least_class"])) or (e.well and not behind):
        return []
    told: dict[str, Any] = {"number": int(facts["least_class"]), "least_share": facts["least_share"]}
    return [LOPSIDED.found(NOT_COUNTED, facts["least"], NOTHING, seen(e), **told)]


def _spared(e: Evidence, number: int) -> bool:
    """Whether a class has no rows among those held out: then nobody asks for it."""
    shares = (e.data.get("held_targets") or {}).get("shares")
    return shares is not None and (number >= len(shares) or not shares[number])


_GOES = Template("a loss that falls as far as it can", "손실이 갈 수 있는 데까지 내려갑니다.")

CLIPPING = Kind(
    name=Template("clipping too strong", "기울기를 너무 작게 자름(clipping)"),
    stage=Stage.UPDATES,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "Each gradient is cut to next to nothing before it is used: clipping is for rare, huge gradients, not for all.",
        "기울기마다 거의 다 잘려 나갑니다. 자르기(clipping)는 어쩌다 나오는 아주 큰 기울기를 위한 것입니다.",
    ),
    remedy="bl.fit(..., clip=1.0)",
    effect=_GOES,
    signs=(CLIPPED,),
    rules=(clipping,),
    repair=updates.unclipped,
)

MOMENTUM = Kind(
    name=Template("momentum too high", "모멘텀(momentum)이 너무 큼"),
    stage=Stage.UPDATES,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "Updates follow the mean of so many past gradients that they overshoot, and turn too late.",
        "지난 기울기를 너무 많이 평균해 갱신하므로, 지나치고 나서 뒤늦게 방향을 바꿉니다.",
    ),
    remedy="bl.fit(..., optimizer=bl.SGD(learning_rate=0.01, momentum=0.9))",
    effect=_GOES,
    signs=(LONG_MEMORY,),
    rules=(momentum,),
    repair=updates.milder_momentum,
)

TOO_SOON = Kind(
    name=Template("rate falls too soon", "학습률이 너무 일찍 줄어듦"),
    stage=Stage.UPDATES,
    place=3,
    role=Role.CAUSE,
    cause=Template(
        "The schedule takes the learning rate to nothing long before training ends: what comes after changes no "
        "weight.",
        "학습이 끝나기 한참 전에 학습률이 거의 0이 됩니다. 그 뒤로는 가중치가 바뀌지 않습니다.",
    ),
    remedy='bl.fit(..., schedule="cosine")  # falls over the whole training',
    command="--schedule cosine",
    effect=_GOES,
    signs=(OVER,),
    rules=(schedule,),
    repair=updates.unscheduled,
)

DELTA_TOO_SMALL = Kind(
    name=Template("delta too small", "Huber의 delta가 너무 작음"),
    stage=Stage.UPDATES,
    place=4,
    role=Role.CAUSE,
    cause=Template(
        "Huber's delta lies far below the targets' spread: the gradient is bounded by it, so each step is as small.",
        "Huber의 delta가 목푯값이 퍼진 정도보다 훨씬 작습니다. 기울기가 delta를 넘지 못해 갱신도 그만큼 작습니다.",
    ),
    remedy="bl.fit(..., loss=bl.losses.Huber(delta=1.0))  # about the targets' standard deviation",
    effect=_GOES,
    signs=(DELTA,),
    rules=(delta,),
    repair=updates.wider_delta,
)

LOPSIDED = Kind(
    name=Template("lopsided weights", "한쪽으로 치우친 가중치"),
    stage=Stage.TARGETS,
    place=3,
    role=Role.CAUSE,
    cause=Template(
        "Weights of classes or rows leave the loss to few of them; what the others tell hardly counts.",
        "클래스나 데이터의 가중치 때문에 손실이 일부로만 정해지고, 나머지는 거의 반영되지 않습니다.",
    ),
    remedy='bl.fit(..., class_weight="balanced")  # or without weights',
    effect=Template("a loss that all rows decide", "모든 데이터가 손실에 반영됩니다."),
    signs=(FEW_COUNT, ONE_COUNTS, NOT_COUNTED),
    rules=(weights,),
    repair=updates.weighed_alike,
)

KINDS = (CLIPPING, MOMENTUM, TOO_SOON, DELTA_TOO_SMALL, LOPSIDED)
