"""Targets in a form that is hard to learn: classes as numbers, numbers far from mean 0 and variance 1."""

from __future__ import annotations

import math

from backlit.doctor.evidence import SHORT_OF, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.last_layer import last_activation
from backlit.doctor.noise import of_share
from backlit.doctor.repair import settings
from backlit.doctor.symptoms import seen
from backlit.languages import Template

AGREE = 0.6  # of nearest neighbours have the very same whole number: then it names a class
ABOVE_CHANCE = 0.25
FEWEST_CLASSES, MOST_CLASSES = 3, 30
SMALL, VERY_SMALL = 0.03, 0.003  # likewise
LARGE, VERY_LARGE = 10.0, 30.0  # root mean square of the targets: trouble if nothing is learned; in any case

WHOLE = Sign(
    Template(
        "the targets are {distinct} whole numbers; nearest neighbours mostly have the same one",
        "목푯값은 정수 {distinct}가지, 가까운 이웃끼리는 대개 값이 같음",
    ),
    Template("neighbours that agree", "값이 같은 이웃의 비율"),
    Template(
        "names of classes repeat among neighbours; measured numbers only come near",
        "클래스 이름은 이웃끼리 되풀이되고, 잰 값은 비슷할 뿐임",
    ),
)
SPREAD = Sign(
    Template("mean {mean:.4g}, standard deviation {std:.4g}", "평균 {mean:.4g}, 표준 편차 {std:.4g}"),
    Template("root mean square", "제곱평균제곱근(RMS)"),
    Template(
        "mean 0 and variance 1, as of all that a network works on: LeCun et al., Efficient BackProp, 1998",
        "신경망이 다루는 값은 평균 0, 분산 1이 좋음: LeCun et al., Efficient BackProp, 1998",
    ),
)

TINY = Sign(
    SPREAD.where,
    SPREAD.measure,
    Template(
        "at least 0.03: what a network gives at first is of size 1, and is noise beside smaller targets",
        "적어도 0.03. 신경망이 처음 내는 값은 크기가 1쯤이라 더 작은 목푯값 옆에서는 잡음임",
    ),
)


def classes_as_numbers(e: Evidence) -> list[Finding]:
    """Whole numbers that name classes, learned by a loss for numbers."""
    simple, distinct = e.data.get("reference") or {}, e.targets.get("distinct") or 0
    if e.data.get("kind") != "number" or not e.targets.get("whole") or "agreement" not in simple:
        return []
    if not FEWEST_CLASSES <= distinct <= MOST_CLASSES or e.network.output_shape[-1] != 1:
        return []
    limit = max(AGREE, simple["chance"] + ABOVE_CHANCE + 2 * of_share(simple["chance"], simple["rows"]))
    if simple["agreement"] < limit:
        return []
    return [CLASSES_AS_NUMBERS.found(WHOLE, simple["agreement"], limit, distinct=distinct)]


def scale_of_targets(e: Evidence) -> list[Finding]:
    """Numbers far from mean 0 and variance 1, that weren't learned."""
    mean, std = e.targets.get("mean"), e.targets.get("std")
    if e.data.get("kind") != "number" or mean is None or not std or last_activation(e):
        return []
    size, limit = math.hypot(mean, std), LARGE if e.trained else VERY_LARGE
    least = SMALL if e.trained else VERY_SMALL
    if e.well or least <= size <= limit or e.data.get("far_targets") or e.data.get("tamed"):
        return []  # targets of usual size with a few far away are told by these
    severity = "alarm" if e.trained else "remark"  # the output layer alone may well travel there
    if size < least:
        if e.trained and not _drowned(e):
            return []
        return [UNSCALED_TARGETS.found(TINY, size, least, seen(e), severity, mean=mean, std=std)]
    return [UNSCALED_TARGETS.found(SPREAD, size, limit, seen(e), severity, mean=mean, std=std)]


def _drowned(e: Evidence) -> bool:
    """Whether training rows are told worse than by guessing, or than simple models do: size isn't all that is small."""
    skill, score, reference = e.skill(False), e.score(False), e.reference
    worse = skill is not None and skill < -SHORT_OF
    return worse or bool(e.learnable and score is not None and reference is not None and score < reference - SHORT_OF)


CLASSES_AS_NUMBERS = Kind(
    name=Template("classes as numbers", "클래스를 숫자로 학습함"),
    stage=Stage.TARGETS,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "The targets are classes, but they are learned as numbers: class 7 counts as nearer to 8 than to 1.",
        "정답이 클래스인데 숫자로 학습하고 있습니다. 그러면 클래스 7이 1보다 8에 가깝다고 여기게 됩니다.",
    ),
    remedy='bl.fit(net, x, y.astype(int), loss="cross_entropy")  # with an output for each class',
    of_one="y[{name!r}] = y[{name!r}].astype(int)  # learned by cross_entropy, with an output for each class",
    command="backlit train TABLE --target COLUMN --task classification",
    effect=Template("accuracy instead of a distance between labels", "번호 사이의 거리 대신 정확도를 얻습니다."),
    signs=(WHOLE,),
    rules=(classes_as_numbers,),
    repair=settings.as_classes,
)

UNSCALED_TARGETS = Kind(
    name=Template("unscaled targets", "목푯값의 크기를 맞추지 않음"),
    stage=Stage.TARGETS,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "The targets' size is far from 1. Far above, the output layer has to travel there in steps made for 1, or "
        "gradients as large as the targets blow up the weights; far below, the network's first outputs drown them.",
        "목푯값의 크기가 1과 크게 다릅니다. 너무 크면 출력층이 먼 거리를 작은 갱신으로 가야 하거나 목푯값만큼 큰 "
        "기울기가 가중치를 폭발시키고, 너무 작으면 신경망이 처음 내는 값에 묻힙니다.",
    ),
    remedy="bl.fit(..., standardize_targets=True)  # predictions come in the targets' own unit",
    command="backlit train TABLE --target COLUMN  # standardises targets",
    effect=Template("a first loss near 1, and a faster fall", "첫 손실이 1에 가까워지고, 더 빨리 줄어듭니다."),
    signs=(SPREAD, TINY),
    rules=(scale_of_targets,),
    repair=settings.scaled_targets,
)

KINDS = (CLASSES_AS_NUMBERS, UNSCALED_TARGETS)
