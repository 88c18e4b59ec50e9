"""Weight decay too strong: weights that a penalty or decay pulls to zero."""

from __future__ import annotations

import numpy as np

from backlit.doctor.evidence import LEARNED, SHORT_OF, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.learning_rate import ADAPTIVE_LEAP
from backlit.doctor.repair import settings
from backlit.doctor.symptoms import expected_spread, seen
from backlit.languages import Template
from backlit.optim.adaptive import AdamW

SHRUNK = 0.5  # of the weights' starting size

BOUNDED = Sign(
    Template(
        "AdamW(weight_decay={strength:g}) holds weights below 1/{strength:g}",
        "AdamW(weight_decay={strength:g}): 가중치가 1/{strength:g}보다 커지지 못함",
    ),
    Template("1/λ", "1/λ"),
    Template(
        "the least starting size that theory has: Adam's updates are at most the rate, the decay rate · λ · w",
        "이론이 말하는 가장 작은 초기 크기. Adam의 갱신은 학습률을 넘지 않고, 감쇠는 학습률 · λ · w",
    ),
)
_SIZE = Template("‖w‖ at the end / at the start", "학습 뒤 ‖w‖ / 학습 전 ‖w‖")
_GROWTH = Template(
    "learning makes weights grow, or keeps their size; it doesn't take most of it",
    "학습하면 가중치는 커지거나 그대로이고, 절반 넘게 줄지는 않음",
)
BY_PENALTY = Sign(Template("{path}, penalty {penalty}", "{path}, 벌점 {penalty}"), _SIZE, _GROWTH)
BY_DECAY = Sign(Template("{path}, weight decay {strength:g}", "{path}, 가중치 감쇠 {strength:g}"), _SIZE, _GROWTH)


def decay(e: Evidence) -> list[Finding]:
    """Weights that a penalty or decay pulls to zero."""
    strength, penalty = e.optimizer.option("weight_decay") or 0.0, e.settings.get("penalty")
    if not e.trained or e.well or not _held_back(e) or (not strength and not penalty) or not e.start.get("params"):
        return []
    first, last = e.start["params"], e.last.get("params", {})
    shares = {
        path: last[path]["norm"] / first[path]["norm"]
        for path in first
        if path.endswith("weight") and path in last and first[path]["norm"] and last[path]["norm"] is not None
    }
    if not shares:
        return []
    severity = "remark" if e.learnable is False else "alarm"  # where nothing can be learned, weights well may shrink
    path, share = min(shares.items(), key=lambda entry: entry[1])
    if not penalty and (e.ratio(e.start) or 0.0) > ADAPTIVE_LEAP:
        return []  # an update's decay is rate · λ: it is the rate that is too high
    if share > SHRUNK:
        wanted = _wanted(e, strength)
        if wanted is None:
            return []
        return [TOO_STRONG.found(BOUNDED, 1 / strength, wanted, seen(e), severity, strength=strength)]
    values = {"path": path, "penalty": penalty, "strength": strength}
    return [TOO_STRONG.found(BY_PENALTY if penalty else BY_DECAY, share, SHRUNK, seen(e), severity, **values)]


def _held_back(e: Evidence) -> bool:
    """Whether training rows aren't learned as well as simple models tell others: only then can less decay help."""
    score, reference = e.score(False), e.reference
    if not e.learnable or score is None or reference is None:
        return (e.skill(False) or 0.0) < LEARNED
    return score < reference - SHORT_OF


def _wanted(e: Evidence, strength: float) -> float | None:
    """The size that weights should have at least, if AdamW's decay holds them below it."""
    if not isinstance(e.optimizer.last, AdamW) or not strength:
        return None
    sizes = [expected_spread(np.shape(leaf))[0] for part in e.weighted for leaf in e.weights(part).values()]
    wanted = max(sizes, default=0.0)
    return wanted if 1 / strength < wanted else None


TOO_STRONG = Kind(
    name=Template("weight decay too strong", "가중치 감쇠(weight decay)가 너무 강함"),
    stage=Stage.UPDATES,
    place=6,
    role=Role.CAUSE,
    cause=Template(
        "The decay outweighs the data's gradient: weights shrink to nothing, and with them the output.",
        "감쇠가 데이터의 기울기를 압도해 가중치가, 그리고 출력이 0으로 줄어듭니다.",
    ),
    remedy="bl.fit(..., penalty=None)  # or a hundredth of the strength",
    command="--l2 0.0001",
    effect=Template("weights that grow to what the data asks for", "가중치가 데이터에 필요한 만큼 커집니다."),
    signs=(BOUNDED, BY_PENALTY, BY_DECAY),
    rules=(decay,),
    repair=settings.less_decay,
)

KINDS = (TOO_STRONG,)
