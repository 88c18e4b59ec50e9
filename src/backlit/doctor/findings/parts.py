"""Training and held-out rows that don't go together: inputs from elsewhere, or labels that are wrong in one part."""

from __future__ import annotations

import math
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.noise import of_share
from backlit.languages import Template

SURELY = 4.0  # standard errors
TOLD_APART = 0.25  # of the AUC above one half
KEPT = 0.5  # of what simple models gain over guessing in the one part, at least, in the other
TAUGHT = 0.15  # that they gain in their own part, at least
HARM = 0.1  # of the guess's loss, or of the score, that held-out rows lie behind

APART = Sign(
    Template(
        "column {column}: mean {moved:.2g} standard deviations off, spread {stretched:.2g} times another",
        "{column}번 열: 평균이 표준 편차의 {moved:.2g}배 벗어나고 퍼진 정도가 {stretched:.2g}배 다름",
    ),
    Template(
        "AUC of a small model that tells held-out rows from training rows",
        "작은 모형이 평가 데이터와 학습 데이터를 구별하는 AUC",
    ),
    Template(
        "0.5 is chance; beyond it by a quarter and four standard errors, with held-out rows predicted worse",
        "우연이면 0.5. 그보다 0.25와 표준 오차의 네 배 넘게 높고, 평가 데이터를 더 못 맞힐 때",
    ),
)
_LOST = Template(
    "score on held-out rows of what simple models learn from training rows",
    "단순한 모형이 학습 데이터에서 배운 것이 평가 데이터에서 내는 점수",
)
_HALF = Template(
    "half of what they gain within the one part, where inputs of both parts look alike",
    "입력은 두 쪽이 비슷한데, 한쪽 안에서 추측보다 나은 만큼의 절반에도 못 미칠 때",
)
RENAMED = Sign(
    Template(
        "held-out labels fit if they are renamed or rescaled: {recoded:.2f} then",
        "이름이나 눈금을 바꾸면 평가 데이터의 정답이 맞음: 그러면 {recoded:.2f}",
    ),
    _LOST,
    _HALF,
)
MOVED = Sign(
    Template(
        "held-out labels fit if they are moved by one row: {next:.2f} then",
        "한 칸 밀면 평가 데이터의 정답이 맞음: 그러면 {next:.2f}",
    ),
    _LOST,
    _HALF,
)
SCRAMBLED = Sign(
    Template(
        "within training rows {inner:.2f}, within held-out rows {within:.2f}",
        "학습 데이터 안에서는 {inner:.2f}, 평가 데이터 안에서는 {within:.2f}",
    ),
    _LOST,
    _HALF,
)


def _inputs_differ(e: Evidence) -> bool:
    parts = e.data.get("parts") or {}
    if not parts:
        return False
    rows, held = parts["rows"], parts["held"]
    error = math.sqrt((rows + held + 1) / (12 * rows * held))  # of an AUC where there is nothing to tell
    return bool(parts["apart"] > 0.5 + TOLD_APART + SURELY * error)


def shifted(e: Evidence) -> list[Finding]:
    """Inputs of held-out rows that aren't distributed as those of training rows, and are predicted worse for it."""
    parts: dict[str, Any] = e.data.get("parts") or {}
    if not parts or not _inputs_differ(e):
        return []
    known, unseen = e.skill(False), e.skill(True)
    behind = known is not None and unseen is not None and known - unseen > HARM
    worse = "across" in parts and parts["inner"] - parts["across"] > HARM
    if not (behind or (worse and not e.trained)):
        return []
    limit, severity = 0.5 + TOLD_APART, "remark" if e.well else "alarm"
    values: dict[str, Any] = {name: parts[name] for name in ("column", "moved", "stretched")}
    return [SHIFTED.found(APART, parts["apart"], limit, severity=severity, **values)]


def wrong_labels(e: Evidence) -> list[Finding]:
    """What inputs teach of their targets in one part doesn't hold in the other, though the inputs look alike."""
    parts: dict[str, Any] = e.data.get("parts") or {}
    if "across" not in parts or e.well or _inputs_differ(e):
        return []
    gain, own = parts["inner"] - parts["guess_inner"], parts["within"] - parts["guess"]
    taught = max(gain, own)
    if taught < TAUGHT + SURELY * of_share(0.5, parts["rows"] if gain >= own else parts["held"]):
        return []
    limit = parts["guess"] + KEPT * taught
    error = of_share(min(max(parts["across"], 0.0), 1.0), parts["held"])
    if parts["across"] > limit - SURELY * error:
        return []
    enough = parts["guess"] + (KEPT + 1) / 2 * taught
    sign = SCRAMBLED
    if parts["recoded"] > enough:
        sign = RENAMED
    elif parts["next"] > enough:
        sign = MOVED
    values = {name: parts[name] for name in ("inner", "within", "recoded", "next")}
    return [WRONG_LABELS.found(sign, parts["across"], limit, **values)]


SHIFTED = Kind(
    name=Template("shifted split", "학습 데이터와 평가 데이터의 분포가 다름"),
    stage=Stage.DATA,
    place=3,
    role=Role.FACT,
    cause=Template(
        "Held-out rows come from elsewhere than training rows: their inputs have another scale, mean or range, so "
        "their score says little of how the network would do on rows like those that it learned from.",
        "평가 데이터의 입력은 눈금, 평균이나 범위가 학습 데이터와 다릅니다. 그래서 평가 점수로는 학습한 것과 비슷한 "
        "데이터를 얼마나 잘 맞힐지 알 수 없습니다.",
    ),
    remedy="order = np.random.default_rng(0).permutation(len(x)); x, y = x[order], y[order]"
    "  # before splitting; prepare both parts alike",
    effect=Template(
        "a held-out score near that of the training rows", "평가 점수가 학습 데이터의 점수에 가까워집니다."
    ),
    signs=(APART,),
    rules=(shifted,),
)

WRONG_LABELS = Kind(
    name=Template("labels wrong in one part", "한쪽 데이터의 정답이 틀림"),
    stage=Stage.DATA,
    place=4,
    role=Role.FACT,
    cause=Template(
        "Inputs of training and held-out rows look alike, but not what goes with them: in one of the two parts labels "
        "are shuffled, moved by a row, or named otherwise.",
        "학습 데이터와 평가 데이터의 입력은 비슷한데 정답이 맞는 방식이 다릅니다. 둘 중 한쪽의 정답이 섞였거나, 한 칸 "
        "밀렸거나, 다른 이름으로 적혀 있습니다.",
    ),
    remedy="print([(x[i], y[i]) for i in range(3)])  # do these go together, and those of the held-out part?",
    effect=Template(
        "a held-out score near that of the training rows", "평가 점수가 학습 데이터의 점수에 가까워집니다."
    ),
    signs=(RENAMED, MOVED, SCRAMBLED),
    rules=(wrong_labels,),
)

KINDS = (SHIFTED, WRONG_LABELS)
