"""The last activation and the loss: one that is applied twice, one that can't give the targets."""

from __future__ import annotations

import math
from typing import Any

from backlit.doctor.evidence import Evidence, PlacedLayer
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.undefined import BELOW_ZERO, SOURCE_OF_NAN
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import seen
from backlit.languages import Template
from backlit.nn.layers.activations import Sigmoid, Softmax
from backlit.nn.losses import CrossEntropy, Hinge

OUT_OF_REACH = 0.05  # of the targets' range that lies outside the activation's

_BEFORE_LOSS = Template("layer {layer}, {activation}, before {loss}", "{layer}번 층 {activation}, 손실 함수 {loss} 앞")
ONE_UNIT = Sign(_BEFORE_LOSS, Template("units", "유닛의 수"), Template("e^s / e^s = 1", "e^s / e^s = 1"))
FLOOR = Sign(
    _BEFORE_LOSS,
    Template("least loss", "손실의 최솟값"),
    Template("ln(e + {units} - 1) - 1, at scores 1 and 0", "ln(e + {units} - 1) - 1, 점수가 1과 0일 때"),
)
APPLIED = Sign(
    _BEFORE_LOSS,
    Template("softmaxes", "소프트맥스의 수"),
    Template("one: the loss brings its own", "하나여야 함: 손실 함수에 이미 있음"),
)
BOUNDED = Sign(
    _BEFORE_LOSS,
    Template("least loss of the hardest class", "가장 어려운 클래스의 손실 최솟값"),
    Template("the loss takes scores and applies a {own} itself", "손실 함수가 점수를 받아 {own}{을/를} 스스로 적용함"),
)
SQUEEZED = Sign(
    _BEFORE_LOSS,
    Template("greatest difference between two scores", "두 점수의 차이로 가능한 최댓값"),
    Template(
        "more than the margin: a row is done only when its class is ahead by so much (Weston & Watkins 1999)",
        "마진보다 커야 함. 정답 클래스가 그만큼 앞서야 비로소 맞힌 것으로 침(Weston & Watkins 1999)",
    ),
)
OUTSIDE = Sign(
    Template(
        "layer {layer}, {activation}, gives {low:g} to {high:g}; the targets are {least:.4g} to {most:.4g}",
        "{layer}번 층 {activation}의 출력은 {low:g}에서 {high:g}까지, 목푯값은 {least:.4g}에서 {most:.4g}까지",
    ),
    Template("share of the targets' range", "목푯값 범위에 대한 비율"),
    Template(
        "a twentieth of the targets' range: some noise may stick out",
        "목푯값 범위의 20분의 1. 잡음은 조금 벗어날 수 있음",
    ),
)


def last_activation(e: Evidence) -> list[Finding]:
    """An activation before a loss that brings its own, or that can't give the targets."""
    part = e.last_part
    if part is None:
        return []
    units, own = e.network.output_shape[-1], e.loss.activation
    values: dict[str, Any] = {"layer": part.path or "network", "activation": part.kind, "loss": str(e.loss)}
    if isinstance(part.layer, Softmax) and units == 1:
        return [SOFTMAX_ON_ONE_UNIT.found(ONE_UNIT, 1.0, 2.0, seen(e), **values)]
    if isinstance(part.layer, Softmax) and own == "softmax":
        if type(e.loss) is not CrossEntropy:  # another loss has another floor
            return [SOFTMAX_TWICE.found(APPLIED, None, None, seen(e), units=units, **values)]
        floor = math.log(math.e + units - 1) - 1
        return [SOFTMAX_TWICE.found(FLOOR, floor, 0.0, seen(e), units=units, **values)]
    facts = part.layer.facts
    if own in ("softmax", "sigmoid") and facts is not None and facts.bends:
        if math.isinf(facts.low) and math.isinf(facts.high):
            return []  # it reaches every number
        floor = _floor(own, units, facts.low, facts.high)
        return [ACTIVATION_BEFORE_LOSS.found(BOUNDED, floor, 0.0, seen(e), own=own, **values)]
    if isinstance(e.loss, Hinge) and facts is not None and facts.high - facts.low <= e.loss.margin:
        gap = {"gap": facts.high - facts.low, "margin": e.loss.margin}
        severity = "remark" if e.well else "alarm"
        return [ACTIVATION_BEFORE_LOSS.found(SQUEEZED, gap["gap"], gap["margin"], seen(e), severity, **gap, **values)]
    if own == "identity" and not isinstance(part.layer, (Softmax, Sigmoid)):
        return [SOURCE_OF_NAN.found(BELOW_ZERO, None, 0.0, **values)]
    return _reach(e, part)


def _floor(own: str, units: int, low: float, high: float) -> float:
    """The least loss for the class that is hardest to say, with scores from `low` to `high`."""
    if own == "sigmoid":  # the class 0 wants a low score, the class 1 a high one
        return max(math.log1p(math.exp(min(low, 50.0))) if low > -50 else 0.0, math.log1p(math.exp(-min(high, 50.0))))
    gap = min(high - low, 50.0)
    return math.log1p((units - 1) * math.exp(-gap))


def _reach(e: Evidence, part: PlacedLayer) -> list[Finding]:
    facts, least, most = part.layer.facts, e.targets.get("low"), e.targets.get("high")
    if facts is None or least is None or most is None or not most > least:
        return []
    outside = max(facts.low - least, 0.0) + max(most - facts.high, 0.0)
    share = outside / (most - least)
    if share <= OUT_OF_REACH:
        return []
    values: dict[str, Any] = {
        "layer": part.path or "network",
        "activation": part.kind,
        "low": facts.low,
        "high": facts.high,
    }
    return [TARGETS_OUT_OF_REACH.found(OUTSIDE, share, OUT_OF_REACH, seen(e), least=least, most=most, **values)]


SOFTMAX_TWICE = Kind(
    name=Template("softmax twice", "소프트맥스(softmax)를 두 번 적용함"),
    stage=Stage.OUTPUT,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "The network ends in a softmax, and the loss applies another: it then sees scores from 0 to 1 only, so no "
        "answer can be sure, and gradients shrink.",
        "신경망 끝에 소프트맥스가 있는데 손실 함수가 한 번 더 적용합니다. 손실 함수가 받는 점수가 0에서 1 사이뿐이어서 "
        "확실한 답을 낼 수 없고 기울기도 작아집니다.",
    ),
    remedy="net = bl.Sequential(*net.layers[:-1])  # cross_entropy takes scores",
    of_one="{name} without its last activation  # cross_entropy takes scores",
    effect=Template("a loss that can reach 0", "손실이 0까지 내려갈 수 있습니다."),
    signs=(FLOOR, APPLIED),
    rules=(last_activation,),
    repair=networks.without_end,
)

ACTIVATION_BEFORE_LOSS = Kind(
    name=Template("activation before the loss", "손실 함수 앞에 활성 함수가 있음"),
    stage=Stage.OUTPUT,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "The loss takes scores of any size, but an activation bounds them: some answers can't be given.",
        "손실 함수는 크기에 제한이 없는 점수를 받는데, 활성 함수가 범위를 제한해 낼 수 없는 답이 생깁니다.",
    ),
    remedy="net = bl.Sequential(*net.layers[:-1])  # the loss applies softmax or sigmoid itself",
    of_one="{name} without its last activation  # the loss applies softmax or sigmoid itself",
    effect=Template("a loss that can reach 0", "손실이 0까지 내려갈 수 있습니다."),
    signs=(BOUNDED, SQUEEZED),
    rules=(last_activation,),
    repair=networks.without_end,
)

SOFTMAX_ON_ONE_UNIT = Kind(
    name=Template("softmax on one unit", "유닛 하나에 소프트맥스를 적용함"),
    stage=Stage.OUTPUT,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "A softmax over one unit is always 1: the output is constant, and its gradient 0.",
        "유닛이 하나뿐인 소프트맥스의 출력은 늘 1이고 기울기는 0입니다.",
    ),
    remedy='net = bl.Sequential(*net.layers[:-1])  # one score, with loss="binary_cross_entropy"',
    of_one='{name} without its last activation  # one score, with loss="binary_cross_entropy"',
    effect=Template("a gradient other than 0", "기울기가 0이 아니게 됩니다."),
    signs=(ONE_UNIT,),
    rules=(last_activation,),
    repair=networks.without_end,
)

TARGETS_OUT_OF_REACH = Kind(
    name=Template("targets out of reach", "출력이 닿지 않는 목푯값"),
    stage=Stage.OUTPUT,
    place=3,
    role=Role.CAUSE,
    cause=Template(
        "The last activation can't give all the targets: they lie outside its range.",
        "목푯값이 마지막 활성 함수의 출력 범위를 벗어납니다.",
    ),
    remedy="net = bl.Sequential(*net.layers[:-1])  # numbers need a linear output",
    of_one="{name} without its last activation  # numbers need a linear output",
    effect=Template("a loss that can reach the noise's floor", "손실이 잡음의 하한까지 내려갈 수 있습니다."),
    signs=(OUTSIDE,),
    rules=(last_activation,),
    repair=networks.without_end,
)

KINDS = (SOFTMAX_TWICE, ACTIVATION_BEFORE_LOSS, SOFTMAX_ON_ONE_UNIT, TARGETS_OUT_OF_REACH)
