"""Mistakes in training loops of one's own: shapes that broadcast, gradients that are kept, a mode that is forgotten."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.symptoms import seen
from backlit.languages import Template

MOSTLY = 0.5  # of the updates, or of the passes forward

SHAPES = Sign(
    Template("outputs {outputs}, targets {targets}", "출력 {outputs}, 목푯값 {targets}"),
    Template("numbers compared for each output", "출력 하나와 비교한 값의 수"),
    Template("one: an output is compared with its own target", "하나여야 함: 출력은 자기 목푯값과만 비교"),
)
KEPT = Sign(
    Template("{share:.0%} of the updates looked at", "살펴본 갱신의 {share:.0%}"),
    Template("share of updates with gradients of the one before", "직전 기울기가 남아 있던 갱신의 비율"),
    Template("none: each update takes gradients of its own", "없어야 함: 갱신마다 기울기를 새로 구함"),
)
EVALUATING = Sign(
    Template("layers {layers}", "{layers}번 층"),
    Template("share of training steps", "학습 갱신에 대한 비율"),
    Template("none, unless it is meant so", "일부러 한 것이 아니라면 없어야 함"),
)


def broadcast(e: Evidence) -> list[Finding]:
    """Outputs and targets of which each is compared with all."""
    found = e.loop.get("broadcast")
    if not found:
        return []
    values = {name: str(tuple(found[name])) for name in ("outputs", "targets")}
    return [BROADCAST.found(SHAPES, float(found["times"]), 1.0, seen(e), **values)]


def uncleared(e: Evidence) -> list[Finding]:
    """Gradients that are added to those of the update before."""
    share = e.loop.get("uncleared", 0.0)
    if share <= MOSTLY:
        return []
    return [UNCLEARED.found(KEPT, share, 0.0, seen(e), share=share)]


def evaluating(e: Evidence) -> list[Finding]:
    """Training with dropout and batch norm as in evaluation."""
    share, layers = e.loop.get("evaluation", 0.0), e.loop.get("modal") or []
    if share <= MOSTLY or not layers:
        return []
    return [EVALUATION.found(EVALUATING, share, 0.0, (), "remark", layers=", ".join(layers[:4]))]


BROADCAST = Kind(
    name=Template("outputs and targets of different shapes", "출력과 목푯값의 모양이 다름"),
    stage=Stage.OUTPUT,
    place=4,
    role=Role.CAUSE,
    cause=Template(
        "Outputs and targets are broadcast against each other: each output is compared with the targets of all rows, "
        "so the best answer is their mean.",
        "출력과 목푯값이 서로 브로드캐스트되어 출력 하나가 모든 데이터의 목푯값과 비교됩니다. 그러면 평균을 답하는 "
        "것이 가장 낫게 됩니다.",
    ),
    remedy="y = y.reshape(len(y), -1)  # Backlit's losses refuse other shapes",
    effect=Template("a loss that can fall below that of the mean", "손실이 평균을 답할 때보다 낮아집니다."),
    signs=(SHAPES,),
    rules=(broadcast,),
)

UNCLEARED = Kind(
    name=Template("gradients never cleared", "기울기를 지우지 않음"),
    stage=Stage.CONNECTION,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "Gradients of earlier updates are still there when the next is computed: each step goes where all steps so far "
        "have pointed.",
        "다음 기울기를 구할 때 앞선 기울기가 남아 있습니다. 갱신할 때마다 지금까지의 모든 방향을 더한 쪽으로 "
        "움직입니다.",
    ),
    remedy="gradients = grad(loss)(params)  # anew for each update",
    effect=Template("a loss that falls and settles", "손실이 줄어들고 자리를 잡습니다."),
    signs=(KEPT,),
    rules=(uncleared,),
)

EVALUATION = Kind(
    name=Template("trained in evaluation mode", "평가 모드로 학습함"),
    stage=Stage.CONNECTION,
    place=3,
    role=Role.OUTCOME,
    cause=Template(
        "The network was trained in evaluation mode: dropout drops nothing, and batch norm goes by old statistics.",
        "평가 모드로 학습했습니다. 드롭아웃이 아무것도 끄지 않고, 배치 정규화가 예전 통계를 씁니다.",
    ),
    remedy="network(x, training=True)",
    effect=Template(
        "dropout and batch norm that work while training", "학습하는 동안 드롭아웃과 배치 정규화가 작동합니다."
    ),
    signs=(EVALUATING,),
    rules=(evaluating,),
)

KINDS = (BROADCAST, UNCLEARED, EVALUATION)
