"""Numbers in the inputs that aren't what they seem: codes for missing values, single rows that are far away."""

from __future__ import annotations

from typing import Any

from backlit.doctor.evidence import SURE, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import rows
from backlit.doctor.symptoms import seen, simple_models_fail
from backlit.languages import Template
from backlit.nn.losses import MeanSquaredError
from backlit.train.probes.columns import CODE, FAR
from backlit.train.probes.targets import HEAVY

CODED = Sign(
    Template(
        "column {column}: {code:g} in {share:.1%} of its values", "{column}번 열: 값의 {share:.1%}{이/가} {code:g}"
    ),
    Template("distance to all other values, in their range", "다른 값들과의 거리(그 값들의 범위에 대한 배수)"),
    Template(
        "three times their range: measured numbers don't repeat themselves so far out",
        "그 범위의 세 배. 잰 값이 그렇게 먼 곳에서 되풀이되지는 않음",
    ),
)
FAR_OUT = Sign(
    Template("{rows} rows; the farthest in column {column}", "데이터 {rows}개. 가장 먼 것은 {column}번 열"),
    Template(
        "distance from the median, in the range of the middle nine tenths",
        "중앙값에서 떨어진 거리(가운데 10분의 9의 범위에 대한 배수)",
    ),
    Template(
        "a hundred: even heavy tails seldom reach so far", "백 배. 꼬리가 두꺼운 분포도 거기까지는 좀처럼 가지 않음"
    ),
)
TARGETS_FAR_OUT = Sign(
    Template("targets of {rows} rows", "데이터 {rows}개의 목푯값"),
    FAR_OUT.measure,
    FAR_OUT.source,
    remedy="low, high = np.quantile(y, [0.01, 0.99]); y = np.clip(y, low, high)  # or leave the rows out",
)


TAILS = Sign(
    Template(
        "targets, of which the middle half spans {middle:.3g}; without their tails simple models reach R² {score:.2f}",
        "목푯값(가운데 절반의 폭은 {middle:.3g}). 꼬리를 줄이면 단순한 모형도 R² {score:.2f}에 이름",
    ),
    Template(
        "share of all squared errors that is made by rows beyond three times that span",
        "그 폭의 세 배를 넘어 벗어난 데이터가 제곱 오차 전체에서 차지하는 비율",
    ),
    Template("half; of a normal distribution it is 0 (Tukey 1977)", "절반. 정규 분포라면 0에 가까움(Tukey 1977)"),
    remedy="bl.fit(..., loss=bl.Huber({middle:.2g}))  # or learn log(y), where all targets are above 0",
)


def codes(e: Evidence) -> list[Finding]:
    """A number far from all others that comes again and again: it stands for "not known"."""
    coded: dict[str, Any] = e.data.get("coded") or {}
    if not coded:
        return []
    severity = "remark" if e.well or not e.trained else "alarm"
    values = {name: coded[name] for name in ("column", "code", "share")}
    return [CODES.found(CODED, coded["times"], CODE, seen(e), severity, **values)]


def outlying(e: Evidence) -> list[Finding]:
    """Few rows so far away that a scale which takes them in leaves no difference between the others."""
    severity = "remark" if e.well or not e.trained else "alarm"
    targets: dict[str, Any] = e.data.get("far_targets") or {}
    if targets:
        return [OUTLYING.found(TARGETS_FAR_OUT, targets["times"], FAR, seen(e), severity, rows=targets["rows"])]
    far: dict[str, Any] = e.data.get("far") or {}
    if not far:
        return []
    return [OUTLYING.found(FAR_OUT, far["times"], FAR, seen(e), severity, rows=far["rows"], column=far["column"])]


def tails(e: Evidence) -> list[Finding]:
    """Targets of which few rows make most of the squared error, where simple models know the others."""
    told = e.data.get("tamed") or {}
    if not e.trained or "linear" not in told or not isinstance(e.loss, MeanSquaredError):
        return []
    if (e.skill(e.validated) or 0.0) >= SURE:
        return []
    if e.data.get("far_targets") or simple_models_fail(e) is not False:
        return []
    values = {"middle": e.targets["middle"], "score": max(told["linear"], told["neighbours"])}
    return [OUTLYING.found(TAILS, e.targets["tails"], HEAVY, seen(e), "remark" if e.well else "alarm", **values)]


CODES = Kind(
    name=Template("codes for missing values", "빈 값을 나타내는 숫자"),
    stage=Stage.SCALE,
    place=-2,
    role=Role.CAUSE,
    cause=Template(
        "A number far from all others comes again and again in a column: it stands for a value that isn't known, and "
        "is read as if it were one.",
        "다른 값과 동떨어진 숫자가 한 열에 되풀이됩니다. 알 수 없는 값을 나타내는 표시인데 실제 값처럼 읽힙니다.",
    ),
    remedy="# x = np.where(x == code, np.nan, x), then fill in: bl.fit(table, target=...) fills gaps and marks them",
    command="backlit train TABLE --target COLUMN  # with the cells left empty",
    effect=Template(
        "columns of one scale, and a faster fall of the loss", "열의 크기가 맞고, 손실이 더 빨리 줄어듭니다."
    ),
    signs=(CODED,),
    rules=(codes,),
    repair=rows.filled,
)

OUTLYING = Kind(
    name=Template("outlying rows", "동떨어진 데이터"),
    stage=Stage.SCALE,
    place=-1,
    role=Role.CAUSE,
    cause=Template(
        "Single rows lie far outside of all others: they decide mean and spread, so the others hardly differ any more, "
        "and their gradients outweigh all.",
        "몇몇 데이터가 나머지와 동떨어져 있습니다. 평균과 표준 편차가 그것들로 정해져 나머지 데이터의 차이가 거의 "
        "사라지고, 그 기울기가 다른 것을 모두 압도합니다.",
    ),
    remedy="low, high = np.quantile(x, [0.01, 0.99], axis=0); x = np.clip(x, low, high)  # or leave the rows out",
    effect=Template("columns in which rows differ", "열 안에서 데이터가 서로 구별됩니다."),
    signs=(FAR_OUT, TARGETS_FAR_OUT, TAILS),
    rules=(outlying,),
    fallback=(tails,),
    repair=rows.without_outlying,
)

KINDS = (CODES, OUTLYING)
