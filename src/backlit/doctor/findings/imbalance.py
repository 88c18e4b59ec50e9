"""Imbalance hidden by accuracy: hardly any row of the rare classes is found."""

from __future__ import annotations

import math

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import settings
from backlit.doctor.symptoms import COMMON
from backlit.languages import Template

FOUND = 0.5  # of the rows of other classes, at least, must lift accuracy above the common class's share
SURELY = 2.0  # standard errors

ONE_CLASS = Sign(
    Template(
        "accuracy {accuracy:.3f}, and {most:.1%} of the rows are of one class",
        "정확도 {accuracy:.3f}, 데이터의 {most:.1%}{이/가} 한 클래스",
    ),
    Template("accuracy", "정확도"),
    Template("half of the other classes' rows found", "나머지 클래스의 데이터를 절반은 맞힌 정도"),
)


def imbalance(e: Evidence) -> list[Finding]:
    """An accuracy that is just the share of the commonest class, on unseen rows or, if they are too few, on all."""
    if not e.trained or e.diverged is not None:
        return []
    for validation in (True, False) if e.validated else (False,):
        shares = (e.data.get("held_targets") or {}).get("shares") if validation else e.targets.get("shares")
        accuracy, rows = e.score(validation), e.data.get("held" if validation else "rows") or math.inf
        if not shares or accuracy is None or not COMMON <= max(shares) < 1:
            continue
        most = max(shares)
        limit = most + FOUND * (1 - most)
        if accuracy >= limit:
            return []
        rare = rows * (1 - most)  # half of these found has the standard error √rare / 2
        if (limit - accuracy) * rows >= SURELY * math.sqrt(rare) / 2:
            return [HIDDEN.found(ONE_CLASS, accuracy, limit, accuracy=accuracy, most=most)]
    return []


HIDDEN = Kind(
    name=Template("imbalance hidden by accuracy", "정확도에 가려진 클래스 불균형"),
    stage=Stage.FITTING,
    place=0,
    role=Role.OUTCOME,
    cause=Template(
        "Nearly all rows are of one class, and the network hardly ever says another: accuracy looks fine.",
        "거의 모든 데이터가 한 클래스이고 신경망은 다른 답을 거의 하지 않는데도, 정확도는 좋아 보입니다.",
    ),
    remedy='bl.fit(..., class_weight="balanced", metrics=["accuracy", "f1", "auc"])',
    of_one='bl.fit(..., class_weight={{{name!r}: "balanced"}}, metrics={{{name!r}: ["accuracy", "f1", "auc"]}})',
    command="--balance",
    effect=Template(
        "rows of the rare classes found, at some cost in accuracy",
        "정확도는 조금 낮아지지만 드문 클래스를 찾아냅니다.",
    ),
    signs=(ONE_CLASS,),
    rules=(imbalance,),
    repair=settings.balanced,
)

KINDS = (HIDDEN,)
