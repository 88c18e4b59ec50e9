"""What is said where little was learned and no cause was found: worse than guessing, cause open."""

from __future__ import annotations

import importlib
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.capacity import TOO_LITTLE, capacity
from backlit.doctor.findings.learning_rate import LEAP
from backlit.doctor.findings.stopped_early import (
    FLAT,
    LITTLE,
    NOTHING,
    climbing,
    falling,
    few,
    short,
    stopped,
    unlearned,
)
from backlit.doctor.noise import of_loss
from backlit.doctor.symptoms import (
    FAINT,
    MOST_OFF,
    STRONG,
    dead,
    saturated,
    seen,
    spread_of_gradient,
)
from backlit.languages import Said, Template, join

WORSE = 0.1  # of the guess's loss, by which the end lies above it
SURELY = 3.0  # standard errors
KNOWN = 0.3  # of the guess's loss got rid of on training rows

END = Sign(
    Template("loss {loss:.4g}, of guessing {guess:.4g}", "손실 {loss:.4g}, 추측했을 때 {guess:.4g}"),
    Template("loss / that of guessing", "손실 / 추측했을 때의 손실"),
    Template("1.1, and three standard errors above 1", "1.1, 그리고 1보다 표준 오차의 세 배 넘게 높음"),
)
NOT_LEARNED = Sign(
    Template("ruled out: {ruled}", "배제된 원인: {ruled}"),
    Template("training score", "학습 데이터의 점수"),
    Template(
        "what ridge regression or five neighbours reach on unseen rows, less two standard errors",
        "릿지 회귀나 이웃 다섯이 처음 보는 데이터에서 내는 점수에서 표준 오차의 두 배를 뺀 값",
    ),
)
NO_GAIN = Sign(
    Template("ruled out: {ruled}", "배제된 원인: {ruled}"),
    Template("training loss got rid of, of the guess's", "학습 손실이 줄어든 정도(추측 손실에 대한 비율)"),
    Template("a twentieth", "20분의 1"),
)
INPUTS = Template("inputs off scale", "입력의 크기")
RATE_HIGH = Template("steps too large", "너무 큰 갱신")
RATE_LOW = Template("steps too small", "너무 작은 갱신")
UNITS = Template("dead or saturated units", "꺼지거나 포화된 유닛")
FLOW = Template("a gradient that doesn't reach the first layer", "첫 층에 닿지 않는 기울기")
LABELS = Template("targets that nothing tells", "아무것으로도 알 수 없는 정답")
BY_TRIAL = Template("{name} (by experiment)", "{name}(실험으로)")
SIZE = Template("too few parameters", "모자라는 매개변수")


def worse(e: Evidence) -> list[Finding]:
    """An end clearly above the loss of guessing, on rows held back if there are some."""
    if not e.trained or e.diverged is not None or (e.interrupted and short(e)):
        return []
    held = e.validated and not e.weighed  # losses of rows that were weighed alike
    if held and (e.skill(False) or 0.0) >= KNOWN:
        return []  # learned by heart, or held-out rows of another kind: told elsewhere
    loss, guess = e.end("val_loss" if held else "loss"), (e.data.get("held_guess") if held else None) or e.guess
    rows = e.data.get("held" if held else "rows") or 1.0
    if loss is None or not guess or guess <= 0 or loss - guess <= max(WORSE * guess, SURELY * of_loss(guess, rows)):
        return []
    return [WORSE_THAN_GUESSING.found(END, loss / guess, 1 + WORSE, seen(e), loss=loss, guess=guess)]


def open_cause(e: Evidence) -> list[Finding]:
    """Nothing explains why it didn't learn: what was ruled out is told."""
    if not unlearned(e) or short(e) or stopped(e) or (TOO_LITTLE.key not in e.refuted and capacity(e)):
        return []
    if (few(e) and not climbing(e)) or (
        (e.skill(False) or 0.0) >= LITTLE and falling(e) > FLAT
    ):  # it was still learning
        return []
    ruled = join(", ", [*(template.say() for template in ruled_out(e)), *(tried(name) for name in sorted(e.refuted))])
    score, reference = e.score(False), e.reference
    if e.learnable and score is not None:
        return [OPEN.found(NOT_LEARNED, score, reference, seen(e), ruled=ruled)]
    return [OPEN.found(NO_GAIN, e.skill(False), NOTHING, seen(e), ruled=ruled)]


def tried(name: str) -> Said:
    """That a cause was tried, and isn't one."""
    kind = importlib.import_module("backlit.doctor.findings").kinds()[name]
    return BY_TRIAL.say(name=kind.name.say())


def ruled_out(e: Evidence) -> list[Template]:
    """Usual causes that what was measured speaks against."""
    spread = spread_of_gradient(e, e.last)
    ratios = [ratio for ratio in map(e.ratio, e.looks) if ratio is not None]
    quiet = dead(e.last)[1] < MOST_OFF and saturated(e.last)[1] < MOST_OFF
    checks: list[tuple[Template, Any]] = [
        (INPUTS, "std" in e.inputs),
        (RATE_HIGH, bool(ratios) and max(ratios) < LEAP),
        (RATE_LOW, e.travel is not None and e.travel >= 1),
        (UNITS, bool(e.last.get("layers")) and quiet),
        (FLOW, spread is not None and FAINT <= spread <= STRONG),
        (LABELS, e.learnable),
        (SIZE, e.network.size > e.data.get("rows", 0) > 0),
    ]
    return [template for template, fine in checks if fine]


WORSE_THAN_GUESSING = Kind(
    name=Template("worse than guessing", "추측보다 나쁨"),
    stage=Stage.FITTING,
    place=7,
    role=Role.OUTCOME,
    cause=Template(
        "The network that came of the training predicts worse than one answer that is the same for all rows.",
        "학습을 마친 신경망이 모든 데이터에 같은 답을 하는 것보다도 못합니다.",
    ),
    remedy="bl.fit(..., early_stopping=10)  # keeps the best epoch; then look for what made the end so bad",
    command="--patience 10",
    effect=Template("a loss below that of guessing", "손실이 추측보다 낮아집니다."),
    signs=(END,),
    rules=(worse,),
)

OPEN = Kind(
    name=Template("open cause", "원인을 알 수 없음"),
    stage=Stage.FITTING,
    place=6,
    role=Role.OUTCOME,
    cause=Template(
        "The network didn't learn what simple models know, and nothing that was measured explains it: the cause is "
        "open.",
        "단순한 모형이 아는 것을 배우지 못했는데, 잰 것으로는 설명되지 않습니다. 원인은 알 수 없습니다.",
    ),
    remedy="run.diagnose(prove=True)  # tries what may be at fault; run.fix() looks for what helps",
    effect=Template("a cause that an experiment shows", "실험으로 원인이 드러납니다."),
    signs=(NOT_LEARNED, NO_GAIN),
    fallback=(open_cause,),
)

KINDS = (WORSE_THAN_GUESSING, OPEN)
