"""Too little capacity: a training loss that no longer falls, above what simple models reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.doctor.evidence import SHORT_OF, Evidence, PlacedLayer
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.learning_rate import width
from backlit.doctor.findings.stopped_early import falling
from backlit.doctor.noise import of_share
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import FAINT, MOST_OFF, STRONG, dead, saturated, spread_of_gradient
from backlit.graph import tree
from backlit.languages import Template

FLAT = 0.02  # of the guess's loss, in a quarter of the epochs: the training loss no longer falls
SLOWLY = 0.05  # of what is left of the loss, likewise: as many epochs again would leave most of it
FEWEST_UNITS = 2  # that numbers should pass through
SPARE = 2.0  # times log₂ of the number of classes: units that are enough for them
FEWEST_EPOCHS = 8  # of which a quarter tells something
STEPS = 2  # units
BOTTLENECK = 4  # units through which all must go
SPENT = 0.3  # of the first gradient, that is left at most where there is nothing more to learn
TRAVELLED = 1.0  # times their size, that weights have moved in all
SOME_LEFT, ALIKE = 0.25, 0.2  # of the guess's loss: left on training rows, and between these and others
ALIVE = 0.6  # of the training, for which the rate is alive
USUAL_MOMENTUM = 0.97

_NARROW = Template(
    "{size:,} parameters, narrowest layer {narrow}", "매개변수 {size:,}개, 가장 좁은 층의 유닛 {narrow}개"
)
_FLAT = Template("{size:,} parameters, no hidden layer", "매개변수 {size:,}개, 은닉층 없음")
_ACCURACY = Template("training accuracy", "학습 정확도")
_R2 = Template("training R²", "학습 R²")
_SIMPLE = Template(
    "what ridge regression or five neighbours reach on unseen rows, less two standard errors",
    "릿지 회귀나 이웃 다섯이 처음 보는 데이터에서 내는 점수에서 표준 오차의 두 배를 뺀 값",
)
SIGNS = {  # by whether there are hidden layers, and whether it is a classification
    (hidden, classes): Sign(_NARROW if hidden else _FLAT, _ACCURACY if classes else _R2, _SIMPLE)
    for hidden in (True, False)
    for classes in (True, False)
}
PERHAPS = Sign(
    _NARROW,
    Template("training loss left, of the guess's", "남은 학습 손실(추측 손실에 대한 비율)"),
    Template(
        "a quarter, with fewer units than classes on the way, or a single one, and held-out rows told hardly worse",
        "4분의 1. 지나는 층의 유닛이 클래스보다 적거나 하나뿐이고, 평가 데이터도 비슷하게 맞힐 때",
    ),
)


def capacity(e: Evidence) -> list[Finding]:
    """A training loss that no longer falls, above what simple models reach, of a network that can't learn it all.

    A flat loss alone is no proof: the weights must have travelled, at a rate that didn't die, to where the gradient is
    small against its noise or what it was; no layer may be lost; and the network must be too small to know each row.
    """
    score, reference = e.score(False), e.reference
    if not flat(e) or score is None or reference is None or score >= reference - SHORT_OF:
        return []
    if e.classes and e.weighed:
        return []  # accuracy was given up for recall
    widths = [part.output[-1] for part in e.weighted[:-1]]
    size = sum(int(np.prod(np.shape(leaf))) for leaf in tree.leaves(e.network.params))
    small = size < e.data.get("rows", 0) or min(widths, default=0) <= BOTTLENECK
    if not (small and _arrived(e) and _whole(e)) or _holds_a_line(e, score, widths):
        return []
    sign = SIGNS[bool(widths), e.classes]
    return [TOO_LITTLE.found(sign, score, reference, size=size, narrow=min(widths, default=0))]


def _holds_a_line(e: Evidence, score: float, widths: list[int]) -> bool:
    """Whether a line is what it falls short of, and all layers have room for one: then it isn't narrowness.

    A line to K outputs takes a unit each, of rectifiers two; of K classes, which shares bind, one less.
    """
    simple, outputs = e.data["reference"], e.network.output_shape[-1]
    room = 2 * max(1, outputs - bool(e.classes))
    linear = simple["linear"] - 2 * of_share(simple["linear"], simple["rows"])
    return score < linear - SHORT_OF and min(widths, default=room) >= room


def narrow(e: Evidence) -> list[Finding]:
    """A remark that all goes through fewer units than there are classes, and much is left that isn't noise for sure.

    Of many classes, such as tokens, it takes fewer: log₂ K units that are on or off could name them, and twice as many
    leave room. Training rows aren't known, other rows hardly worse, and the loss no longer falls: an experiment can
    tell more. Of numbers it takes a single unit: that fewer pass than there are outputs is what autoencoders are for.
    """
    outputs, known, unseen = e.network.output_shape, e.skill(False), e.skill(True)
    if known is None or not isinstance(outputs, tuple):
        return []
    widths = [_passing(part, outputs) for part in _on_the_way(e)]
    needed = min(outputs[-1], int(SPARE * np.log2(max(outputs[-1], 2))) + 1) if e.classes else 0
    if not widths or min(widths) >= max(FEWEST_UNITS, needed):
        return []
    alike = unseen is None or known - unseen < ALIKE
    if not (e.trained and alike and SOME_LEFT < 1 - known < 1 and _settled(e) and _arrived(e) and _whole(e)):
        return []
    values: dict[str, Any] = {"size": e.network.size, "narrow": min(widths)}
    return [TOO_LITTLE.found(PERHAPS, 1 - known, SOME_LEFT, severity="remark", **values)]


def _on_the_way(e: Evidence) -> list[PlacedLayer]:
    """Layers from the first with weights up to the last, that nothing leads around; lookups of tokens aside."""
    first, last = (e.parts.index(e.weighted[place]) for place in (0, -1)) if e.weighted else (0, 0)
    return [part for part in e.parts[first:last] if not (part.skipped or part.layer.takes_integers)]


def _passing(part: PlacedLayer, outputs: tuple[int, ...]) -> int:
    """How many numbers pass a layer: of pictures at all places, of sequences that are told of step by step at each."""
    steps = outputs[:-1]
    own = part.output[len(steps) :] if part.output[: len(steps)] == steps else part.output
    return int(np.prod(own))


def flat(e: Evidence) -> bool:
    """Whether a network that didn't learn what simple models know no longer gets better, either."""
    if not e.trained or e.well or "linear" not in (e.data.get("reference") or {}):
        return False
    return _settled(e)


def _settled(e: Evidence) -> bool:
    """Whether the training loss no longer falls."""
    losses = e.column("loss")
    if len(losses) < FEWEST_EPOCHS or e.diverged is not None or not e.guess:
        return False
    return bool(falling(e) <= max(FLAT, SLOWLY * losses[-1] / e.guess))


def _arrived(e: Evidence) -> bool:
    """Whether training has come to where gradients tell nothing more, by steps that could go far enough."""
    first, last = e.gradient(e.start), e.gradient(e.last)
    params = [param for path, param in e.last.get("params", {}).items() if path.endswith("weight")]
    noisy = [param["noise"] for param in params if param.get("noise") is not None]
    spent = first is None or last is None or last <= SPENT * first or (bool(noisy) and min(noisy) > 1)
    travelled = e.travel is None or e.travel >= TRAVELLED
    return spent and travelled and e.died_at > ALIVE and (e.optimizer.option("momentum") or 0.0) <= USUAL_MOMENTUM


def _whole(e: Evidence) -> bool:
    """Whether no layer is lost, and no row or column stands in the way of the others."""
    spread = spread_of_gradient(e, e.last)
    fine = not (e.data.get("far") or e.data.get("coded"))
    path, share = dead(e.last)
    few = width(e, path) <= BOTTLENECK  # of so few units, the last goes off by chance, and the gradient with it
    lost, off = share >= MOST_OFF and not few, share >= MOST_OFF and few
    reached = spread is None or off or FAINT <= spread <= STRONG
    path, share = saturated(e.last)
    stuck = share >= MOST_OFF and width(e, path) > STEPS  # one or two units do best as steps
    return reached and fine and not lost and not stuck


TOO_LITTLE = Kind(
    name=Template("too little capacity", "신경망이 너무 작음(underfitting)"),
    stage=Stage.FITTING,
    place=2,
    role=Role.OUTCOME,
    cause=Template(
        "The network has learned all it can, and that is less than simple models know: it is too narrow.",
        "배울 수 있는 만큼 배웠지만 단순한 모형에도 못 미칩니다. 신경망이 너무 좁습니다.",
    ),
    remedy="net = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(1))  # wider hidden layers; as many outputs as now",
    command="--network mlp:64,64",
    effect=Template("a training loss below that of the simple models", "학습 손실이 단순한 모형보다 낮아집니다."),
    signs=(*SIGNS.values(), PERHAPS),
    fallback=(capacity, narrow),
    repair=networks.wider,
)

KINDS = (TOO_LITTLE,)
