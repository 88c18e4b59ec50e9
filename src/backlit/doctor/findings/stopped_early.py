"""Stopped early: the loss was still falling when training ended."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.noise import between_epochs
from backlit.doctor.repair import settings
from backlit.doctor.symptoms import seen, simple_models_fail
from backlit.languages import Template

FALLING = 0.01  # of the guess's loss, by which the held-out loss still fell in the last tenth
SURELY = 2.0  # standard errors
FEWEST_EPOCHS, ENOUGH_EPOCHS = 4, 10  # of fewer than these ten, what looks like noise is the bend

LITTLE, NOTHING = 0.15, 0.05  # of the guess's loss got rid of
FLAT, CREEPING, STEADY = 0.02, 0.003, 0.9  # fall in a quarter of the epochs; share of epochs that are better
RISEN = 0.1  # of the first loss
FEW_UPDATES, FEWEST_OF_ALL = 500, 8  # and epochs, of which a network may need more

UNDER_WAY = Sign(
    Template("{updates} updates in {epochs} epochs", "에포크 {epochs}번에 갱신 {updates}번"),
    Template(
        "fall of the training loss in the last quarter, of the guess's",
        "마지막 4분의 1 동안 학습 손실이 줄어든 정도(추측 손실에 대한 비율)",
    ),
    Template(
        "a fiftieth, or steadily less; and hardly anything was learned yet",
        "50분의 1, 또는 조금씩이라도 꾸준히 줄어듦. 아직 거의 배우지 못했음",
    ),
)
STILL_FALLING = Sign(
    Template("epoch {epoch}, {column} {loss:.4g}", "에포크 {epoch}, {column} {loss:.4g}"),
    Template("fall", "줄어든 정도"),
    Template(
        "of the guess's loss, over the last tenth of the epochs", "추측 손실에 대한 비율, 마지막 10분의 1 에포크 동안"
    ),
)
AT_ITS_BEST = dataclasses.replace(
    STILL_FALLING,
    source=Template(
        "of the guess's loss, in the last epoch; early stopping ended it, though the loss fell in each",
        "추측 손실에 대한 비율, 마지막 에포크에서. 에포크마다 손실이 줄었는데도 조기 종료로 끝남",
    ),
    remedy='bl.fit(..., early_stopping=bl.EarlyStopping(patience=10, monitor="{column}"))',
)


def stopped(e: Evidence) -> list[Finding]:
    """A held-out loss that still falls."""
    column = "val_loss" if e.validated else "loss"
    losses, guess = e.column(column), e.guess
    if guess and e.stopped == "early stopping" and len(losses) > 1 and e.diverged is None and _at_its_best(e, losses):
        fall = float(losses[-2] - losses[-1]) / guess
        told: dict[str, Any] = {"epoch": len(losses), "column": column, "loss": float(losses[-1])}
        return [STOPPED_EARLY.found(AT_ITS_BEST, fall, FALLING, severity="remark" if e.well else "alarm", **told)]
    if not guess or len(losses) < FEWEST_EPOCHS or e.diverged is not None or e.stopped == "early stopping":
        return []
    window = max(1, len(losses) // 10)
    fall = float(losses[-2 * window : -window].mean() - losses[-window:].mean()) / guess
    noise = between_epochs(losses) * math.sqrt(2 / window) if len(losses) >= ENOUGH_EPOCHS else 0.0
    if fall < max(FALLING, SURELY * noise / guess):
        return []
    values: dict[str, Any] = {"epoch": len(losses), "column": column, "loss": float(losses[-1])}
    return [STOPPED_EARLY.found(STILL_FALLING, fall, FALLING, severity="remark", **values)]


def _at_its_best(e: Evidence, losses: np.ndarray) -> bool:
    """Whether early stopping came while the loss fell at each epoch: it went by something else, or the wrong way."""
    return bool((np.diff(losses) < 0).all()) and float(losses[-2] - losses[-1]) > FALLING * (e.guess or math.inf)


def unlearned(e: Evidence) -> bool:
    """Whether a network didn't learn its training rows as well as simple models tell rows they have never seen."""
    if not e.trained or e.diverged is not None or e.well or e.fitted:
        return False
    score, reference = e.score(False), e.reference
    if e.learnable and score is not None and reference is not None:
        return score < reference - e.short
    return (e.skill(False) or 0.0) < NOTHING and simple_models_fail(e) is not True and e.skill(False) is not None


def falling(e: Evidence) -> float:
    """By how much the training loss fell from the third to the last quarter of the epochs, of the guess's."""
    losses = e.column("loss")
    if len(losses) < 2:
        return 0.0
    quarter = max(1, len(losses) // 4)
    return float((losses[-2 * quarter : -quarter].mean() - losses[-quarter:].mean()) / (e.guess or 1.0))


def few(e: Evidence) -> bool:
    """Fewer updates, in fewer epochs, than a network may need before anything can be said of it."""
    return len(e.history) < FEWEST_OF_ALL and e.updates < FEW_UPDATES


def climbing(e: Evidence) -> bool:
    """Whether the training loss has risen, above what it was before the first update: more updates won't mend that."""
    losses, start = e.column("loss"), e.start.get("loss") or math.inf
    return len(losses) > 1 and bool(losses[-1] > losses[0]) and bool(losses[-1] > (1 + RISEN) * start)


def short(e: Evidence) -> list[Finding]:
    """A training that ended while it had hardly learned anything yet, and was still learning, or before it could."""
    if not unlearned(e) or e.still or e.stopped == "early stopping" or (e.skill(False) or 0.0) >= LITTLE:
        return []
    if climbing(e):
        return []
    late = e.column("loss")[len(e.history) // 2 :]
    steadily = len(late) > 2 and bool((np.diff(late) < 0).mean() >= STEADY)
    fall = falling(e) if (e.skill(False) or 0.0) > -1 else 0.0
    if not (fall > FLAT or few(e) or (steadily and fall > CREEPING)):
        return []
    limit = FLAT if fall > FLAT else CREEPING if fall > CREEPING else None  # of few updates, the number tells
    severity = "remark" if e.interrupted else "alarm"
    values = {"updates": e.updates, "epochs": len(e.history)}
    return [STOPPED_EARLY.found(UNDER_WAY, fall, limit, seen(e), severity, **values)]


STOPPED_EARLY = Kind(
    name=Template("stopped early", "너무 일찍 멈춤"),
    stage=Stage.FITTING,
    place=4,
    role=Role.OUTCOME,
    cause=Template(
        "The loss was still falling when training ended: there were too few updates.",
        "학습이 끝날 때까지 손실이 계속 줄고 있었습니다. 갱신이 모자랍니다.",
    ),
    remedy="bl.fit(..., epochs=3 * epochs, early_stopping=10)",
    command="--epochs 200 --patience 10",
    effect=Template("a lower loss", "손실이 더 낮아집니다."),
    signs=(STILL_FALLING, AT_ITS_BEST, UNDER_WAY),
    rules=(stopped,),
    fallback=(short,),
    repair=settings.longer,
)

KINDS = (STOPPED_EARLY,)
