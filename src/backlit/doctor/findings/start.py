"""Where weights and biases start, against what keeps variances: Glorot and He."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence, PlacedLayer
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import MOST_OFF, dead, expected_spread, first_loss, saturated, seen
from backlit.languages import Template
from backlit.nn.layers.activations import ReLU
from backlit.nn.layers.embedding import EmbedColumns, Embedding
from backlit.nn.layers.normalization import BatchNorm, LayerNorm

SHRUNK, BADLY_SHRUNK = 0.1, 0.01  # what all hidden layers together leave of a signal: trouble; trouble for certain
HUGE = 3.0  # times the greatest that theory has
GROWN = 10.0  # what all layers together make of a signal
DEEP = 0.1  # by which a bias is below zero at least
NORMS = (BatchNorm, LayerNorm)
THEORY = Template("Glorot & Bengio 2010, He et al. 2015", "Glorot & Bengio 2010, He et al. 2015")

COPIES = Sign(
    Template("layer {layer}: {units} units", "{layer}번 층: 유닛 {units}개"),
    Template("units that differ", "서로 다른 유닛"),
    Template("equal weights get equal gradients", "가중치가 같으면 기울기도 같음"),
)
SAME_VECTOR = Sign(
    Template("layer {layer}: {rows} tokens", "{layer}번 층: 토큰 {rows}개"),
    Template("vectors that differ", "서로 다른 벡터"),
    Template(
        "two: tokens of one vector are the same to the network, and at every look they still have one",
        "둘 이상이어야 함. 벡터가 같은 토큰은 신경망에 똑같아 보이는데, 볼 때마다 벡터가 하나뿐임",
    ),
    remedy="bl.Embedding(1000, 16)  # vectors that differ; and freeze=() so that they are learned",
)
SMALL = Sign(
    Template("{path} and the like: {times:.2g} times what theory has", "{path} 등: 이론값의 {times:.2g}배"),
    Template("share of the signal that hidden layers leave", "은닉층을 지나고 남는 신호의 비율"),
    THEORY,
)
LARGE = Sign(
    Template("{path}: {times:.3g} times what theory has", "{path}: 이론값의 {times:.3g}배"),
    Template("standard deviation over the greatest in theory", "표준 편차 / 이론의 가장 큰 값"),
    THEORY,
)
BELOW = Sign(
    Template(
        "{layer}/bias: mean {mean:.3g}, the unit's input varies by {spread:.3g}",
        "{layer}/bias: 평균 {mean:.3g}, 유닛의 입력이 변하는 폭 {spread:.3g}",
    ),
    Template("share of layer {activation}'s units that are off", "{activation}번 층에서 꺼진 유닛의 비율"),
    Template(
        "half of the units: with a bias of 0, hardly any is off for all rows",
        "유닛의 절반. 편향이 0이면 모든 데이터에서 꺼져 있는 유닛은 거의 없음",
    ),
)


def _weights(e: Evidence) -> list[tuple[PlacedLayer, str, dict[str, Any], tuple[float, float]]]:
    """Each weight of each layer: the layer, path, what is known of its start, what theory has."""
    starts = e.start.get("weights", {})
    return [
        (part, path, starts[path], expected_spread(np.shape(leaf), part.gates))
        for part in e.weighted
        if not isinstance(part.layer, (Embedding, EmbedColumns))
        for path, leaf in e.weights(part).items()
        if path in starts
    ]


def alike(e: Evidence) -> list[Finding]:
    """Hidden units that start as copies of each other, or at zero, and can't part."""
    weights = _weights(e)
    layers = list(dict.fromkeys(part for part, *_ in weights))
    if e.fitted:
        return []
    for part, after in itertools.pairwise(layers):
        entering = [start for other, _, start, _ in weights if other is part]
        leaving = [start for other, _, start, _ in weights if other is after]
        zero = all(start["rms"] == 0 for start in entering)
        copies = all(start.get("alike") for start in entering)
        parted = not all(start.get("columns") or start["rms"] == 0 for start in leaving)
        activation = e.activation_of(part)
        stuck = zero and activation is not None and isinstance(activation.layer, ReLU)
        if part.skipped or not copies or (parted and not stuck) or part.output[-1] < 2:
            continue
        kind = ZERO if zero else CONSTANT
        return [kind.found(COPIES, 0.0, 1.0, seen(e), layer=part.path or "network", units=part.output[-1])]
    return []


def one_vector(e: Evidence) -> list[Finding]:
    """Tokens that all have the same vector, and keep it: nothing tells them apart."""
    starts = e.start.get("weights", {})
    for part in e.weighted:
        if not isinstance(part.layer, Embedding):
            continue
        for path in e.weights(part):
            if e.fitted or not starts.get(path, {}).get("alike"):
                continue
            records = e.looks if e.trained else [e.start]
            looks = [record["params"].get(path, {}) for record in records if record.get("params")]
            if looks and all(_stays(look, e.trained) for look in looks):
                kind = CONSTANT if starts[path]["rms"] else ZERO
                where = part.path or "network"
                return [kind.found(SAME_VECTOR, 1.0, 2.0, seen(e), layer=where, rows=part.layer.count)]
    return []


def _stays(look: dict[str, Any], trained: bool) -> bool:
    """Whether a parameter gets no gradient; of one that was trained also whether it has no update, or is still zero."""
    if "gradient_norm" not in look:
        return False
    unmoved = look.get("update_ratio") == 0 or look.get("norm") == 0
    return look["gradient_norm"] == 0 or (trained and unmoved)


def size(e: Evidence) -> list[Finding]:
    """Weights that shrink or blow up the signal."""
    if e.fitted:
        return []
    weights = _weights(e)
    scaled = [
        (path, start["rms"] / low, start["rms"] / high)
        for part, path, start, (low, high) in weights
        if not part.skipped
        and not any(isinstance(after.layer, NORMS) for after in e.follows(part)[:1])
        and start["rms"] > 0
    ]
    if not scaled:
        return []
    last = weights[-1][1]
    hidden = [entry for entry in scaled if entry[0] != last] or scaled
    shrinking = math.prod(min(1.0, low) for _, low, _ in hidden)
    growing = math.prod(max(1.0, high) for _, _, high in scaled)
    least_path, least, _ = min(hidden, key=lambda entry: entry[1])
    most_path, _, most = max(scaled, key=lambda entry: entry[2])
    limit = SHRUNK if e.trained else BADLY_SHRUNK
    if shrinking < limit:
        return [TOO_SMALL.found(SMALL, shrinking, limit, seen(e), path=least_path, times=least)]
    harmed = (first_loss(e) or 0) > 3 or saturated(e.start)[1] > MOST_OFF or bool(e.trained)
    if most > HUGE and growing > (HUGE if e.trained else GROWN) and harmed:
        return [TOO_LARGE.found(LARGE, most, HUGE, seen(e), path=most_path, times=most)]
    return []


def bias(e: Evidence) -> list[Finding]:
    """Biases below what their unit's weights bring: ReLU units that are off from the start."""
    path, share = dead(e.start)
    if share < MOST_OFF or e.fitted:
        return []
    for part in e.weighted:
        after, start = e.activation_of(part), e.start["weights"].get(f"{part.path}/bias")
        if start is None or after is None or after.path != path or start["mean"] >= 0:
            continue
        spread = e.start["layers"].get(part.path, {}).get("std") or 0.0
        if -start["mean"] > spread and -start["mean"] > DEEP:
            values = {"layer": part.path, "activation": path, "mean": start["mean"], "spread": spread}
            return [NEGATIVE_BIAS.found(BELOW, share, MOST_OFF, seen(e), **values)]
    return []


_REMEDY = 'bl.Linear(64, weight_init="xavier")  # "kaiming" before ReLU'

CONSTANT = Kind(
    name=Template("constant initialisation", "모두 같은 값으로 초기화함"),
    stage=Stage.START,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "All units of a layer start equal, so they get equal gradients and stay copies of one unit.",
        "한 층의 유닛들이 같은 값에서 출발해 같은 기울기를 받으므로 끝까지 똑같이 남습니다.",
    ),
    remedy=_REMEDY,
    effect=Template(
        "units that differ, and a loss that falls below that of one unit",
        "유닛들이 서로 달라지고, 손실이 유닛 하나일 때보다 낮아집니다.",
    ),
    signs=(COPIES, SAME_VECTOR),
    rules=(alike, one_vector),
    picture="run.flow()",
    repair=networks.start,
)

ZERO = Kind(
    name=Template("zero initialisation", "0으로 초기화함"),
    stage=Stage.START,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "Weights of hidden layers start at zero: their units compute the same, and pass no gradient back.",
        "은닉층의 가중치가 0에서 출발해 유닛이 모두 같은 값을 내고, 기울기도 뒤로 전하지 못합니다.",
    ),
    remedy=_REMEDY,
    effect=Template("gradients in all layers", "모든 층에 기울기가 생깁니다."),
    signs=(COPIES, SAME_VECTOR),
    rules=(alike, one_vector),
    picture="run.flow()",
    repair=networks.start,
)

TOO_SMALL = Kind(
    name=Template("initial weights too small", "초기 가중치가 너무 작음"),
    stage=Stage.START,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "The first weights are far below what keeps a signal's variance over the layers: signal and gradient shrink.",
        "초기 가중치가 신호의 분산을 층에서 층으로 유지할 크기에 크게 못 미쳐, 신호와 기울기가 줄어듭니다.",
    ),
    remedy=_REMEDY,
    effect=Template(
        "outputs of the same spread in all layers, and gradients that reach the first",
        "모든 층의 출력이 비슷하게 퍼지고, 기울기가 첫 층까지 닿습니다.",
    ),
    signs=(SMALL,),
    rules=(size,),
    picture="run.activations()",
    repair=networks.start,
)

TOO_LARGE = Kind(
    name=Template("initial weights too large", "초기 가중치가 너무 큼"),
    stage=Stage.START,
    place=3,
    role=Role.CAUSE,
    cause=Template(
        "The first weights are far above what keeps a signal's variance from layer to layer: it explodes, or "
        "saturates its activations.",
        "초기 가중치가 신호의 분산을 유지할 크기를 크게 넘어, 신호가 폭발하거나 활성 함수가 포화됩니다.",
    ),
    remedy=_REMEDY,
    effect=Template(
        "a first loss near that of guessing, and activations with a slope",
        "첫 손실이 추측과 비슷해지고, 활성 함수에 기울기가 생깁니다.",
    ),
    signs=(LARGE,),
    rules=(size,),
    picture="run.activations()",
    repair=networks.start,
)

NEGATIVE_BIAS = Kind(
    name=Template("negative bias", "편향(bias)이 크게 음수임"),
    stage=Stage.START,
    place=4,
    role=Role.CAUSE,
    cause=Template(
        "Biases start so far below zero that ReLU units are off for every row: they get no gradient, ever.",
        "편향이 0보다 훨씬 낮은 값에서 출발해 ReLU 유닛이 모든 데이터에서 꺼져 있고, 기울기를 전혀 받지 못합니다.",
    ),
    remedy='bl.Linear(64, weight_init="kaiming", bias_init="zeros")',
    effect=Template("about half of the units on", "유닛의 절반쯤이 켜집니다."),
    signs=(BELOW,),
    rules=(bias,),
    picture="run.activations()",
    repair=networks.start,
)

KINDS = (CONSTANT, ZERO, TOO_SMALL, TOO_LARGE, NEGATIVE_BIAS)
