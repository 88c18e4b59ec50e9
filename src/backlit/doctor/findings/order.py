"""Order and content of rows: sorted by target and not shuffled; tokens that are all one."""

from __future__ import annotations

from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import updates
from backlit.doctor.symptoms import seen
from backlit.languages import Template

ALIKE = 0.8  # of the targets' spread that is between batches, not within
ONE = 0.9  # of all tokens

IN_ORDER = Sign(
    Template("rows {rows}, shuffle=False", "데이터 {rows}개, shuffle=False"),
    Template("share of the targets' spread that batches lack", "정답이 퍼진 정도 가운데 배치 안에는 없는 비율"),
    Template(
        "0 is chance; from 0.8 on, a batch sees hardly more than one target",
        "우연이면 0. 0.8부터는 배치 하나에 거의 한 가지 정답만 들어 있음",
    ),
)
COMMONEST = Sign(
    Template(
        "token {commonest:.0f}, of {distinct:.0f} different ones",
        "토큰 {commonest:.0f}, 서로 다른 토큰 {distinct:.0f}가지",
    ),
    Template("its share of all tokens but padding", "패딩을 뺀 토큰 가운데 차지하는 비율"),
    Template("nine tenths: rows hardly differ any more", "10분의 9. 데이터가 서로 거의 구별되지 않음"),
)


def in_order(e: Evidence) -> list[Finding]:
    """Rows in the order of their targets, which isn't changed before training."""
    facts: dict[str, Any] = e.data.get("order") or {}
    if e.settings.get("shuffle") is not False or facts.get("alike", 0.0) < ALIKE or not e.batch_size:
        return []
    if e.batch_size >= e.data.get("rows", 0):
        return []  # all of them in one batch
    severity = "remark" if e.well else "alarm"
    return [SORTED.found(IN_ORDER, facts["alike"], ALIKE, seen(e), severity, rows=e.data["rows"])]


def tokens(e: Evidence) -> list[Finding]:
    """Nearly all tokens are one and the same."""
    facts: dict[str, Any] = e.data.get("tokens") or {}
    if not facts or facts["most"] < ONE or e.well:
        return []
    values = {name: facts[name] for name in ("commonest", "distinct")}
    return [UNKNOWN.found(COMMONEST, facts["most"], ONE, seen(e), **values)]


SORTED = Kind(
    name=Template("sorted rows", "정답 순서로 늘어선 데이터"),
    stage=Stage.DATA,
    place=6,
    role=Role.CAUSE,
    cause=Template(
        "Rows stand in the order of their targets and aren't shuffled: a batch holds one target, and each forgets what "
        "the one before it taught.",
        "데이터가 정답 순서로 늘어서 있는데 섞지 않습니다. 배치마다 정답이 한 가지여서, 다음 배치가 앞에서 배운 것을 "
        "지웁니다.",
    ),
    remedy="bl.fit(..., shuffle=True)  # the default",
    effect=Template("a loss that falls steadily", "손실이 꾸준히 줄어듭니다."),
    signs=(IN_ORDER,),
    rules=(in_order,),
    repair=updates.shuffled,
)

UNKNOWN = Kind(
    name=Template("unknown tokens", "모르는 토큰뿐임"),
    stage=Stage.DATA,
    place=7,
    role=Role.CAUSE,
    cause=Template(
        "Nearly all tokens are one and the same, most often the one for unknown words: the vocabulary isn't that of "
        "the texts.",
        "토큰이 거의 모두 같습니다. 대개 모르는 단어를 나타내는 토큰이며, 어휘가 글에 맞지 않을 때 그렇습니다.",
    ),
    remedy="# tokenizer = bl.data.Tokenizer.learn(text): on the texts that are trained on",
    effect=Template("rows that differ", "데이터가 서로 달라집니다."),
    signs=(COMMONEST,),
    rules=(tokens,),
)

KINDS = (SORTED, UNKNOWN)
