"""Training and held-out rows that don't go together: inputs from elsewhere, or labels that are wrong in one part."""

from __future__ import annotations

import dataclasses
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
APART_VALUES = ("column", "moved", "stretched")
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
        "0.5 is chance; beyond it by a quarter, and by four standard errors, with held-out rows predicted worse",
        "우연이면 0.5. 그보다 0.25 넘게, 그리고 표준 오차의 네 배 넘게 높고, 평가 데이터를 더 못 맞힐 때",
    ),
)
TOKENS = Sign(
    Template(
        "token {token}: {often:.1%} of the held-out tokens, {usual:.1%} of the training ones",
        "토큰 {token}: 평가 데이터의 {often:.1%}, 학습 데이터의 {usual:.1%}",
    ),
    APART.measure,
    APART.source,
)
LENGTHS = Sign(
    Template(
        "held-out texts have {held_length:.3g} tokens, training ones {length:.3g}",
        "텍스트의 평균 토큰 수: 평가 데이터 {held_length:.3g}, 학습 데이터 {length:.3g}",
    ),
    Template(
        "AUC of the length, which tells held-out rows from training rows",
        "길이로 평가 데이터와 학습 데이터를 구별하는 AUC",
    ),
    APART.source,
    remedy="print(np.mean(x == 0, axis=1))  # padding: hide it by bl.Masked, or cut texts alike",
)
_LOST = Template(
    "score on held-out rows of what simple models learn from training rows",
    "단순한 모형이 학습 데이터에서 배운 것이 평가 데이터에서 내는 점수",
)
_OWN = Template(
    "score on held-out rows of what the network learned from training rows",
    "신경망이 학습 데이터에서 배운 것이 평가 데이터에서 내는 점수",
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
DRIFTED = Sign(
    Template(
        "held-out targets lie {drift:.2g} standard deviations off what inputs tell; moved back, they fit: "
        "{levelled:.2f} then",
        "평가 데이터의 목푯값이 입력이 말하는 것에서 표준 편차의 {drift:.2g}배 벗어남. 그만큼 되돌리면 맞음: 그러면 "
        "{levelled:.2f}",
    ),
    _LOST,
    _HALF,
    remedy="y = np.diff(y, axis=0); x = x[1:]"
    "  # if rows are split by time: keep their order, and learn what changes, or take the trend out of y",
)
_GAINED = Template(
    "the lower of what it would be if they were told otherwise and that of training rows, less 0.15 and four standard "
    "errors; inputs of both parts look alike",
    "이름이나 순서를 바꾸었을 때의 점수와 학습 데이터의 점수 가운데 낮은 것에서 0.15와 표준 오차의 네 배를 뺀 값. "
    "입력은 두 쪽이 비슷함",
)
ANSWERS_RENAMED, ANSWERS_MOVED = (dataclasses.replace(sign, measure=_OWN, source=_GAINED) for sign in (RENAMED, MOVED))
SCRAMBLED = Sign(
    Template(
        "within training rows {inner:.2f}, within held-out rows {within:.2f}",
        "학습 데이터 안에서는 {inner:.2f}, 평가 데이터 안에서는 {within:.2f}",
    ),
    _LOST,
    _HALF,
)
NOISIER = dataclasses.replace(
    SCRAMBLED,
    measure=Template(
        "score of simple models on training rows, each judged by the others",
        "단순한 모형이 학습 데이터에서 내는 점수(저마다 나머지에서 배워서)",
    ),
    source=Template(
        "the same on held-out rows, less 0.15 and at least four standard errors; inputs of both parts look alike",
        "평가 데이터에서 같은 방법으로 낸 점수에서 0.15 또는 표준 오차의 네 배를 뺀 값. 입력은 두 쪽이 비슷함",
    ),
)


def _alike(parts: dict[str, Any]) -> float:
    """The AUC up to which the inputs of both parts look alike."""
    rows, held = parts["rows"], parts["held"]
    error = math.sqrt((rows + held + 1) / (12 * rows * held))  # of an AUC where there is nothing to tell
    return 0.5 + max(TOLD_APART, SURELY * error)


def _inputs_differ(e: Evidence) -> bool:
    parts = e.data.get("parts") or {}
    return bool(parts) and bool(max(parts["apart"], parts.get("by_length", 0.0)) > _alike(parts))


def shifted(e: Evidence) -> list[Finding]:
    """Held-out rows whose inputs or level of targets are others than in training, and that are predicted worse."""
    parts: dict[str, Any] = e.data.get("parts") or {}
    if not parts:
        return []
    known, unseen = e.skill(False), e.skill(True)
    behind = known is not None and unseen is not None and known - unseen > HARM
    worse = "across" in parts and parts["inner"] - parts["across"] > HARM
    if not (behind or (worse and not e.trained)):
        return []
    severity = "remark" if e.well else "alarm"
    if _inputs_differ(e) and parts["apart"] <= _alike(parts):
        values: dict[str, Any] = {name: parts[name] for name in ("length", "held_length")}
        return [SHIFTED.found(LENGTHS, parts["by_length"], _alike(parts), severity=severity, **values)]
    if _inputs_differ(e):
        sign, names = (TOKENS, ("token", "usual", "often")) if "token" in parts else (APART, APART_VALUES)
        values = {name: parts[name] for name in names}
        return [SHIFTED.found(sign, parts["apart"], _alike(parts), severity=severity, **values)]
    limit, enough = _lost(parts) or (0.0, 1.0)
    if parts.get("levelled", -1.0) <= enough:
        return []
    values = {name: parts[name] for name in ("drift", "levelled")}
    return [SHIFTED.found(DRIFTED, parts["across"], limit, severity=severity, **values)]


def _lost(parts: dict[str, Any]) -> tuple[float, float] | None:
    """Half, and three quarters, of what is gained in the one part, if the other surely hasn't even the half."""
    if "across" not in parts or parts["across"] >= parts["inner"] - HARM:
        return None  # what training rows teach holds
    gain, own = parts["inner"] - parts["guess_inner"], parts["within"] - parts["guess"]
    taught = max(gain, own)
    rows, held = (parts.get(name, parts[other]) for name, other in (("counted_inner", "rows"), ("counted", "held")))
    if taught < TAUGHT + SURELY * of_share(0.5, rows if gain >= own else held):
        return None
    limit = parts["guess"] + KEPT * taught
    if parts["across"] > limit - SURELY * of_share(min(max(parts["across"], 0.0), 1.0), held):
        return None
    return limit, parts["guess"] + (KEPT + 1) / 2 * taught


def wrong_labels(e: Evidence) -> list[Finding]:
    """What inputs teach of their targets in one part doesn't hold in the other, though the inputs look alike."""
    parts: dict[str, Any] = e.data.get("parts") or {}
    if e.well or _inputs_differ(e) or e.data.get("tamed"):  # R² of heavy tails is a matter of single rows
        return []
    lost = _lost(parts)
    if lost is None:
        return _noisier(e, parts) or _by_the_network(e)
    limit, enough = lost
    if parts.get("levelled", -1.0) > enough:
        return []  # they have another level, no more
    sign = _told_otherwise(parts, enough) or SCRAMBLED
    values = {name: parts[name] for name in ("inner", "within", "recoded", "next")}
    return [WRONG_LABELS.found(sign, parts["across"], limit, **values)]


def _noisier(e: Evidence, parts: dict[str, Any]) -> list[Finding]:
    """Held-out rows tell each other's targets, and training rows don't, though they are as many or more.

    Inputs that look alike tell alike, so what is lost is in the training rows' targets.
    """
    known, unseen = e.skill(False), e.skill(True)
    behind = known is not None and unseen is not None and known - unseen > HARM
    if "across" not in parts or not behind or parts["rows"] < parts["held"]:
        return []
    counted = ((parts[name], parts.get(rows, parts[other])) for name, rows, other in (
        ("inner", "counted_inner", "rows"), ("within", "counted", "held")
    ))  # fmt: skip
    error = math.hypot(*(of_share(min(max(score, 0.0), 1.0), rows) for score, rows in counted))
    limit = parts["within"] - max(TAUGHT, SURELY * error)
    if parts["inner"] >= limit:
        return []
    values = {name: parts[name] for name in ("inner", "within")}
    return [WRONG_LABELS.found(NOISIER, parts["inner"], limit, **values)]


def _told_otherwise(fits: dict[str, Any], enough: float) -> Sign | None:
    """How held-out targets would fit."""
    return RENAMED if fits["recoded"] > enough else MOVED if fits["next"] > enough else None


def _by_the_network(e: Evidence) -> list[Finding]:
    """The network's answers fit held-out targets once these are renamed, or moved: what it learned holds, then.

    Where simple models know too little, it is the one that knows. That its answers don't fit at all is no sign:
    rows that were learned by heart don't teach others.
    """
    known, fits = e.score(False), e.answers
    if not fits or known is None:
        return []
    usual = fits["usual"]  # that they fit neighbours so well is the nature of rows that follow one another
    if e.classes:  # renaming hardly helps by chance, so what it gains is told by itself
        ways = [(fits["recoded"], ANSWERS_RENAMED)] + [(fits["next"], ANSWERS_MOVED)] * (fits["next"] > usual)
        best, sign = max(ways, key=lambda way: way[0])
        known = min(best, known)  # a network that mistakes its training rows, too, hasn't learned other names
        limit = known - TAUGHT - SURELY * of_share(known, fits["counted"])
        if fits["across"] >= limit or _contradicted(e, best):
            return []
    else:
        rows = e.data.get("rows", 1.0)
        told = {**fits, "inner": known, "guess_inner": 0.0, "within": 0.0, "rows": rows, "counted_inner": rows}
        lost = _lost(told)
        if lost is None or fits["levelled"] > lost[1]:
            return []
        limit, enough = lost
        renamed = fits["recoded"] > enough
        if not renamed and fits["next"] <= max(enough, usual):
            return []
        if _contradicted(e, fits["recoded"] if renamed else fits["next"]):
            return []
        sign = ANSWERS_RENAMED if renamed else ANSWERS_MOVED
    values: dict[str, Any] = {name: fits[name] for name in ("recoded", "next")}
    return [WRONG_LABELS.found(sign, fits["across"], limit, **values)]


def _contradicted(e: Evidence, best: float) -> bool:
    """Whether simple models know enough to lose what such labels would cost, and don't lose the half of it."""
    parts, fits = e.data.get("parts") or {}, e.answers
    if "across" not in parts:
        return False
    share = min(1.0, (best - fits["across"]) / max(best - fits["guess"], HARM))  # of what is known, that is lost
    lost = (parts["inner"] - parts["guess_inner"]) * share
    return bool(lost >= TAUGHT and parts["inner"] - parts["across"] < lost / 2)


SHIFTED = Kind(
    name=Template("shifted split", "학습 데이터와 평가 데이터의 분포가 다름"),
    stage=Stage.DATA,
    place=3,
    role=Role.FACT,
    cause=Template(
        "Held-out rows come from elsewhere than training rows: their inputs or targets have another scale, mean or "
        "range, so their score says little of how the network would do on rows like those that it learned from.",
        "평가 데이터의 입력이나 목푯값은 눈금, 평균이나 범위가 학습 데이터와 다릅니다. 그래서 평가 점수로는 학습한 "
        "것과 비슷한 데이터를 얼마나 잘 맞힐지 알 수 없습니다.",
    ),
    remedy="order = np.random.default_rng(0).permutation(len(x)); x, y = x[order], y[order]"
    "  # before splitting, if both parts should be alike; where time or origin tells them apart, find out what differs "
    "first",
    effect=Template(
        "a held-out score that says how it will do", "평가 점수로 앞으로 얼마나 잘 맞힐지 알 수 있게 됩니다."
    ),
    signs=(APART, TOKENS, LENGTHS, DRIFTED),
    rules=(shifted,),
)

WRONG_LABELS = Kind(
    name=Template("labels wrong in one part", "한쪽 데이터의 정답이 틀림"),
    stage=Stage.DATA,
    place=4,
    role=Role.FACT,
    cause=Template(
        "Inputs of training and held-out rows look alike, but not what goes with them: in one of the two parts labels "
        "are shuffled, moved by a row, named otherwise, or many of them are wrong.",
        "학습 데이터와 평가 데이터의 입력은 비슷한데 정답이 맞는 방식이 다릅니다. 둘 중 한쪽의 정답이 섞였거나, 한 칸 "
        "밀렸거나, 다른 이름으로 적혀 있거나, 많이 틀렸습니다.",
    ),
    remedy="print([(x[i], y[i]) for i in range(3)])  # do these go together, and those of the held-out part?",
    effect=Template(
        "a held-out score near that of the training rows", "평가 점수가 학습 데이터의 점수에 가까워집니다."
    ),
    signs=(RENAMED, MOVED, SCRAMBLED, NOISIER, ANSWERS_RENAMED, ANSWERS_MOVED),
    rules=(wrong_labels,),
)

KINDS = (SHIFTED, WRONG_LABELS)
