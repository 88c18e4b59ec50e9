"""Imbalance hidden by accuracy: hardly any row of the rare classes is found."""

from __future__ import annotations

import dataclasses

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.noise import at_most
from backlit.doctor.repair import settings
from backlit.doctor.symptoms import COMMON
from backlit.languages import Template

MANY = 10**6  # rows, where their number isn't known
FOUND = 0.5  # of the rows of other classes, at least, must lift accuracy above the common class's share
CHANCE = 0.025  # that so few are found though half of them would be in the long run

ONE_CLASS = Sign(
    Template(
        "accuracy {accuracy:.3f}, and {most:.1%} of the rows are of one class",
        "정확도 {accuracy:.3f}, 데이터의 {most:.1%}{이/가} 한 클래스",
    ),
    Template("accuracy", "정확도"),
    Template("half of the other classes' rows found", "나머지 클래스의 데이터를 절반은 맞힌 정도"),
)
_RECALL = Template("recall of the rare rows, held out", "드문 데이터의 재현율(평가 데이터)")
_HALF = Template(
    "half of them found; that chance alone finds so few is less likely than one in forty",
    "절반. 우연히 이만큼 적게 맞힐 확률은 40분의 1보다 작음",
)
FEW_FOUND = Sign(
    Template(
        "{rows} of the held-out rows are rare, {most:.1%} of one class; AUC {auc:.2f}",
        "평가 데이터의 {most:.1%}{이/가} 한 클래스이고 드문 데이터는 {rows}개. AUC {auc:.2f}",
    ),
    _RECALL,
    _HALF,
)
STILL_FEW = Sign(
    Template(
        "{rows} of the held-out rows are rare, {most:.1%} of one class, and weights are on; AUC {auc:.2f}",
        "평가 데이터의 {most:.1%}{이/가} 한 클래스이고 드문 데이터는 {rows}개. 가중치는 이미 적용됨. AUC {auc:.2f}",
    ),
    _RECALL,
    _HALF,
    remedy="bl.fit(..., epochs=3 * epochs, early_stopping=10)  # weights are on; or more rows of the rare class",
    command="--epochs 200 --patience 10",
)

_RECALL_OF_ALL = Template("recall of the rare rows, training rows among them", "드문 데이터의 재현율(학습 데이터 포함)")
FEW_LEARNED = Sign(
    Template(
        "{rows} of the rows looked at are rare, {most:.1%} of the held-out ones of one class; AUC {auc:.2f}",
        "평가 데이터의 {most:.1%}{이/가} 한 클래스이고 살펴본 데이터 가운데 드문 것은 {rows}개. AUC {auc:.2f}",
    ),
    _RECALL_OF_ALL,
    _HALF,
)
STILL_FEW_LEARNED = dataclasses.replace(STILL_FEW, where=FEW_LEARNED.where, measure=_RECALL_OF_ALL)


def imbalance(e: Evidence) -> list[Finding]:
    """An accuracy that is just the share of the commonest class, on unseen rows or, if they are too few, on all."""
    if not e.trained or e.diverged is not None:
        return []
    if e.rare and (e.rare["recall"] >= FOUND or at_most(0, int(e.rare["rows"])) < CHANCE):
        return _by_recall(e) or _with_training(e)
    told = _with_training(e)  # of so few held-out rows, none found might be chance
    if told:
        return told
    if e.weighed:
        return []  # accuracy was given up for recall, which isn't known here
    for validation in (True, False) if e.validated else (False,):
        shares = (e.data.get("held_targets") or {}).get("shares") if validation else e.targets.get("shares")
        accuracy, rows = e.score(validation), e.data.get("held" if validation else "rows") or MANY
        if not shares or accuracy is None or not COMMON <= max(shares) < 1:
            continue
        most = max(shares)
        limit = most + FOUND * (1 - most)
        if accuracy >= limit:
            return []
        more = max(0, round(rows * (accuracy - most)))  # are right than if all were held for the common class
        if at_most(more, round(rows * (1 - most))) < CHANCE:
            return [HIDDEN.found(ONE_CLASS, accuracy, limit, accuracy=accuracy, most=most)]
    return []


def _by_recall(e: Evidence) -> list[Finding]:
    """Hardly any held-out row of the rare classes is told right."""
    recall, auc, rows = (e.rare[name] for name in ("recall", "auc", "rows"))
    if recall >= FOUND or at_most(round(recall * rows), int(rows)) >= CHANCE:
        return []
    most = max((e.data.get("held_targets") or {}).get("shares") or [0.0])
    sign = STILL_FEW if e.weighed else FEW_FOUND
    return [HIDDEN.found(sign, recall, FOUND, most=most, auc=auc, rows=int(rows))]


def _with_training(e: Evidence) -> list[Finding]:
    """Hardly any row of the rare classes is told right, training rows among them: these can only flatter."""
    if not e.rare or "learned" not in e.rare or e.rare["recall"] >= FOUND or e.rare["learned"] >= FOUND:
        return []
    rows, more = round(e.rare["rows"]), round(e.rare["training"])
    found = round(e.rare["recall"] * rows) + round(e.rare["learned"] * more)
    if at_most(found, rows + more) >= CHANCE:
        return []
    most = max((e.data.get("held_targets") or {}).get("shares") or [0.0])
    sign = STILL_FEW_LEARNED if e.weighed else FEW_LEARNED
    values = {"most": most, "auc": e.rare["auc"], "rows": rows + more}
    return [HIDDEN.found(sign, found / (rows + more), FOUND, **values)]


HIDDEN = Kind(
    name=Template("imbalance hidden by accuracy", "정확도에 가려진 클래스 불균형"),
    stage=Stage.FITTING,
    place=0,
    role=Role.OUTCOME,
    cause=Template(
        "Nearly all rows are of one class, and most rows of the others aren't found: accuracy looks fine all the same.",
        "거의 모든 데이터가 한 클래스여서, 나머지 클래스의 데이터를 대부분 놓치는데도 정확도는 좋아 보입니다.",
    ),
    remedy='bl.fit(..., class_weight="balanced", metrics=["accuracy", "f1", "auc"])',
    of_one='bl.fit(..., class_weight={{{name!r}: "balanced"}}, metrics={{{name!r}: ["accuracy", "f1", "auc"]}})',
    command="--balance",
    effect=Template(
        "rows of the rare classes found, at some cost in accuracy",
        "정확도는 조금 낮아지지만 드문 클래스를 찾아냅니다.",
    ),
    signs=(ONE_CLASS, FEW_FOUND, STILL_FEW, FEW_LEARNED, STILL_FEW_LEARNED),
    rules=(imbalance,),
    repair=settings.balanced,
)

KINDS = (HIDDEN,)
