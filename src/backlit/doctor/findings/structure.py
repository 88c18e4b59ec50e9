"""The network's structure: nothing that bends between linear layers, hardly any rows in batch norm."""

from __future__ import annotations

import math

from backlit.doctor.evidence import STRAIGHT, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks, settings
from backlit.doctor.symptoms import seen
from backlit.languages import Template
from backlit.nn.layers.convolution import Conv1d, Conv2d
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.normalization import BatchNorm

LINEAR = (Linear, Conv1d, Conv2d)
FEWEST = 4  # numbers of which a mean and a variance can be taken

NOTHING_BETWEEN = Sign(
    Template(
        "layers {first} ({first_layer}) and {second} ({second_layer})",
        "{first} ({first_layer}) 층과 {second} ({second_layer}) 층",
    ),
    Template("activations between", "사이에 있는 활성 함수"),
    Template("W₂(W₁x + b₁) + b₂ = (W₂W₁)x + (W₂b₁ + b₂)", "W₂(W₁x + b₁) + b₂ = (W₂W₁)x + (W₂b₁ + b₂)"),
)
_NUMBERS = Template("numbers", "값의 수")
_RELATIVE_ERROR = Template(
    "of n numbers, the relative error of a standard deviation is 1/√(2(n - 1))",
    "값이 n개일 때 표준 편차의 상대 오차는 1/√(2(n - 1))",
)
ONE_NUMBER = Sign(
    Template("layer {layer}: 1 number a unit in each batch", "{layer}번 층: 배치마다 유닛당 값 1개"),
    _NUMBERS,
    _RELATIVE_ERROR,
)
FEW_NUMBERS = Sign(
    Template("layer {layer}: {count} numbers a unit in each batch", "{layer}번 층: 배치마다 유닛당 값 {count}개"),
    _NUMBERS,
    _RELATIVE_ERROR,
)


def straight(e: Evidence) -> list[Finding]:
    """Two linear layers with nothing that bends between them."""
    if not e.plain:
        return []
    for part, after in zip(e.weighted, e.weighted[1:], strict=False):
        if not isinstance(part.layer, LINEAR) or not isinstance(after.layer, LINEAR):
            continue
        if not all(isinstance(between.layer, STRAIGHT) for between in e.follows(part)):
            continue
        if part.output[-1] < min(math.prod(part.shape), after.output[-1]):
            continue  # a bottleneck is a deliberate low rank
        convolutions = isinstance(part.layer, (Conv1d, Conv2d)) and isinstance(after.layer, (Conv1d, Conv2d))
        if convolutions and part.layer.kernel != after.layer.kernel:  # type: ignore[union-attr]
            continue  # a convolution in two directions
        values = {"first": part.path, "second": after.path, "first_layer": part.layer, "second_layer": after.layer}
        severity = "remark" if e.well else "alarm"
        return [NO_NON_LINEARITY.found(NOTHING_BETWEEN, 0.0, 1.0, seen(e), severity, **values)]
    return []


def batch_norm(e: Evidence) -> list[Finding]:
    """Batch norm on hardly any rows."""
    for part in e.parts:
        if not isinstance(part.layer, BatchNorm) or not e.batch_size:
            continue
        count = e.batch_size * math.prod(part.shape[:-1])
        if count < FEWEST:
            severity, sign = "remark" if e.well else "alarm", ONE_NUMBER if count == 1 else FEW_NUMBERS
            values = {"layer": part.path, "count": count}
            return [TINY_BATCHES.found(sign, float(count), float(FEWEST), seen(e), severity, **values)]
    return []


TINY_BATCHES = Kind(
    name=Template("tiny batches in batch norm", "배치 정규화(batch norm)에 비해 너무 작은 배치"),
    stage=Stage.STRUCTURE,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Batch norm takes mean and variance of hardly any rows: they are noise; with one row the output is constant.",
        "몇 안 되는 데이터로 평균과 분산을 구하므로 잡음에 가깝고, 하나뿐이면 출력이 일정해집니다.",
    ),
    remedy="bl.fit(..., batch_size=32)  # or bl.LayerNorm() in place of bl.BatchNorm()",
    command="--batch-size 32",
    effect=Template("training and evaluation that agree", "학습할 때와 평가할 때의 결과가 일치합니다."),
    signs=(ONE_NUMBER, FEW_NUMBERS),
    rules=(batch_norm,),
    repair=settings.larger_batches,
)

NO_NON_LINEARITY = Kind(
    name=Template("no non-linearity", "비선형 함수가 없음"),
    stage=Stage.STRUCTURE,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "Nothing bends between linear layers: together they are one linear layer.",
        "선형 층 사이에 비선형 함수가 없어, 여러 층이 선형 층 하나와 같습니다.",
    ),
    remedy="net = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(1))  # an activation after each hidden layer",
    command="--network mlp:64,64",
    effect=Template("more than a linear model can learn", "선형 모형이 배울 수 없는 것까지 배웁니다."),
    signs=(NOTHING_BETWEEN,),
    rules=(straight,),
    repair=networks.bent,
)

KINDS = (TINY_BATCHES, NO_NON_LINEARITY)
