"""Stopped early: the loss was still falling when training ended."""

from __future__ import annotations

import math
from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.noise import between_epochs
from backlit.doctor.repair import settings
from backlit.languages import Template

FALLING = 0.01  # of the guess's loss, by which the held-out loss still fell in the last tenth
SURELY = 2.0  # standard errors
FEWEST_EPOCHS, ENOUGH_EPOCHS = 4, 10  # of fewer than these ten, what looks like noise is the bend

STILL_FALLING = Sign(
    Template("epoch {epoch}, {column} {loss:.4g}", "에포크 {epoch}, {column} {loss:.4g}"),
    Template("fall", "줄어든 정도"),
    Template(
        "of the guess's loss, over the last tenth of the epochs", "추측 손실에 대한 비율, 마지막 10분의 1 에포크 동안"
    ),
)


def stopped(e: Evidence) -> list[Finding]:
    """A held-out loss that still falls."""
    column = "val_loss" if e.validated else "loss"
    losses, guess = e.column(column), e.guess
    if not guess or len(losses) < FEWEST_EPOCHS or e.diverged is not None or e.stopped == "early stopping":
        return []
    window = max(1, len(losses) // 10)
    fall = float(losses[-2 * window : -window].mean() - losses[-window:].mean()) / guess
    noise = between_epochs(losses) * math.sqrt(2 / window) if len(losses) >= ENOUGH_EPOCHS else 0.0
    if fall < max(FALLING, SURELY * noise / guess):
        return []
    values: dict[str, Any] = {"epoch": len(losses), "column": column, "loss": float(losses[-1])}
    return [STOPPED_EARLY.found(STILL_FALLING, fall, FALLING, severity="remark", **values)]


STOPPED_EARLY = Kind(
    name=Template("stopped early", "너무 일찍 멈춤"),
    stage=Stage.FITTING,
    place=4,
    role=Role.OUTCOME,
    cause=Template(
        "The held-out loss was still falling when training ended.",
        "학습이 끝날 때까지 평가 손실이 계속 줄고 있었습니다.",
    ),
    remedy="bl.fit(..., epochs=3 * epochs, early_stopping=10)",
    command="--epochs 200 --patience 10",
    effect=Template("a lower loss", "손실이 더 낮아집니다."),
    signs=(STILL_FALLING,),
    rules=(stopped,),
    repair=settings.longer,
)

KINDS = (STOPPED_EARLY,)
