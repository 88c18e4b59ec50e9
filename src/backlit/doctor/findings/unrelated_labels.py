"""Unrelated labels: targets that nothing tells from the inputs."""

from __future__ import annotations

import math
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.parts import shifted, wrong_labels
from backlit.doctor.symptoms import (
    COMMON,
    TELLING,
    UNSEEN,
    error_of_simple,
    error_of_twins,
    never_better,
    seen,
    simple_models_fail,
    twins_differ,
)
from backlit.languages import Template
from backlit.nn.shapes import size_of

POWER = 0.06  # standard deviation of R² by chance; a signal twice as strong would show
GAP = 0.3  # of the guess's loss, got rid of on training rows: they were learned by heart

_ROWS = Template("{rows} rows", "데이터 {rows}개")
_ERRORS = Template("two standard errors", "표준 오차의 두 배")
BY_ACCURACY = Sign(
    _ROWS,
    Template("best simple model above guessing, accuracy", "가장 나은 단순 모형이 추측보다 높은 정도(정확도)"),
    _ERRORS,
)
BY_R2 = Sign(
    _ROWS, Template("best simple model above guessing, R²", "가장 나은 단순 모형이 추측보다 높은 정도(R²)"), _ERRORS
)
BY_TWINS = Sign(
    Template(
        "{equal} of {rows} rows, which are equal to others", "데이터 {rows}개 가운데 똑같은 것이 또 있는 {equal}개"
    ),
    Template(
        "how much more often equal rows have the same target than any two rows",
        "똑같은 데이터끼리 정답이 같은 비율에서 아무 데이터 둘의 정답이 같은 비율을 뺀 값",
    ),
    _ERRORS,
    remedy="print([(x[i], y[i]) for i in range(3)])  # is what tells the target still there, or was it cut off?",
)
BY_LOSS = Sign(
    _ROWS,
    Template("best held-out gain over guessing", "평가 데이터에서 추측보다 가장 나았던 정도"),
    Template("what luck may bring", "우연히 나올 수 있는 정도"),
)


def _unrelated(e: Evidence) -> list[Finding]:
    simple: dict[str, Any] = e.data.get("tamed") or e.data.get("reference") or {}
    rows = e.data["rows"]
    if "linear" not in simple and twins_differ(e):
        twins = e.data["twins"]
        more, limit, equal = twins["agree"] - twins["any"], 2 * error_of_twins(e), round(twins["repeated"] * rows)
        return [UNRELATED_LABELS.found(BY_TWINS, more, limit, seen(e), rows=rows, equal=equal)]
    if "linear" in simple:
        score = max(simple["linear"], simple["neighbours"]) - simple["guess"]
        limit = error_of_simple(e, simple["rows"])
        sign = BY_ACCURACY if e.classes else BY_R2
    else:
        score = 1 - float(e.column("val_loss").min()) / (e.data.get("held_guess") or e.guess or 1)
        limit, sign = UNSEEN, BY_LOSS
    return [UNRELATED_LABELS.found(sign, score, limit, seen(e), rows=rows)]


def _telling(e: Evidence) -> bool:
    """Whether so many rows, of so many columns, would show a weak signal: R² of noise varies by √(2p) / n."""
    rows, columns = (e.data.get("reference") or {}).get("rows", 0), size_of(e.network.input_shape)
    return not rows or math.sqrt(2 * columns) / rows <= POWER


def by_heart(e: Evidence) -> list[Finding]:
    """Targets learned by heart that nothing can tell for other rows: neither neighbours nor a line nor the network."""
    if not e.trained or not e.validated or e.diverged is not None or simple_models_fail(e) is False:
        return []
    if not _telling(e) or wrong_labels(e) or shifted(e):
        return []
    if e.data.get("rows", 0) < TELLING or (e.classes and max(e.targets.get("shares") or [0]) >= COMMON):
        return []  # guessing is hard to beat there
    return _unrelated(e) if never_better(e) and (e.skill(False) or 0) > GAP else []


def unlearnable(e: Evidence) -> list[Finding]:
    """Targets that nothing can tell from the inputs, though gradients flow."""
    if not e.trained or e.diverged is not None or not e.looks or simple_models_fail(e) is not True:
        return []
    if (
        not _telling(e)
        or wrong_labels(e)
        or shifted(e)
        or (e.classes and max(e.targets.get("shares") or [0]) >= COMMON)
    ):
        return []
    weights = [record for path, record in e.last.get("params", {}).items() if path.endswith("weight")]
    flowing = all(record.get("gradient_norm") for record in weights)
    return _unrelated(e) if flowing and never_better(e) else []


UNRELATED_LABELS = Kind(
    name=Template("unrelated labels", "정답이 입력과 무관함"),
    stage=Stage.TARGETS,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Targets don't go with their inputs: neither neighbours nor a linear model nor this network, through which "
        "gradients flow, predict unseen rows better than guessing. Were x or y shuffled alone?",
        "정답과 입력이 서로 맞지 않습니다. 최근접 이웃도, 선형 모형도, 기울기가 잘 흐르는 이 신경망도 처음 보는 "
        "데이터를 추측보다 잘 맞히지 못합니다. x나 y 한쪽만 섞이지 않았는지 확인하십시오.",
    ),
    remedy="print([(x[i], y[i]) for i in range(3)])  # do these belong together? Shuffle both in one order, or none",
    effect=Template("a held-out loss below that of guessing", "평가 손실이 추측보다 낮아집니다."),
    signs=(BY_ACCURACY, BY_R2, BY_TWINS, BY_LOSS),
    rules=(by_heart,),
    fallback=(unlearnable,),
)

KINDS = (UNRELATED_LABELS,)
