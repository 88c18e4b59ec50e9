"""Dropout too strong: so much is dropped that little can be learned."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import seen
from backlit.languages import Template

STRONG = 0.6  # share dropped
LITTLE = 0.05  # of the guess's loss that is left: then enough got through

DROPPED = Sign(
    Template("layer {layer}", "{layer}번 층"),
    Template("share dropped", "끄는 비율"),
    Template(
        "Srivastava et al. 2014 find 0.2 to 0.5 best; here little was learned",
        "Srivastava 외(2014)에서는 0.2–0.5가 가장 좋았고, 여기서는 거의 배우지 못함",
    ),
)
ANSWERS = Sign(
    Template("layer {layer}, behind the last weights", "마지막 가중치 뒤의 {layer}번 층"),
    DROPPED.measure,
    Template("0: what is dropped there are the answers themselves", "0. 거기서는 답 자체를 0으로 만듦"),
)


def dropout(e: Evidence) -> list[Finding]:
    """Dropout without which the network would learn, or that sets answers themselves to 0."""
    for part in networks.dropped_answers(e):
        (share,) = networks.dropout_rates(part.layer).values()
        severity = "alarm" if e.trained and not e.well else "remark"
        return [TOO_STRONG.found(ANSWERS, share, 0.0, seen(e), severity, layer=part.path)]
    rates = [(rate, part.path) for part in e.parts for rate in networks.dropout_rates(part.layer).values()]
    rate, path = max(rates, default=(0.0, ""))
    if not e.trained or e.well or rate <= STRONG or e.diverged is not None:
        return []
    skill = e.skill(False)
    if skill is not None and skill > 1 - LITTLE:
        return []
    return [TOO_STRONG.found(DROPPED, rate, STRONG, seen(e), layer=path)]


TOO_STRONG = Kind(
    name=Template("dropout too strong", "드롭아웃(dropout)이 너무 강함"),
    stage=Stage.UPDATES,
    place=10,
    role=Role.CAUSE,
    cause=Template(
        "So many units are dropped that too little gets through to learn from.",
        "버리는 유닛이 너무 많아 배울 수 있을 만큼의 신호가 통과하지 못합니다.",
    ),
    remedy="bl.Dropout(0.2)",
    command="--dropout 0.2",
    effect=Template("a training loss that falls as far as without", "학습 손실이 드롭아웃이 없을 때만큼 내려갑니다."),
    signs=(DROPPED, ANSWERS),
    rules=(dropout,),
    repair=networks.thinner_dropout,
)

KINDS = (TOO_STRONG,)
