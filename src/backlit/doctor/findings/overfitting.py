"""Overfitting: a held-out loss that rose again, or stayed far above the training loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.doctor.evidence import SHORT_OF, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.parts import shifted, wrong_labels
from backlit.doctor.noise import between_epochs, of_loss
from backlit.doctor.repair import settings
from backlit.languages import Template

LOST = 0.25  # of the held-out skill that was had once
GAP = 0.3  # of the guess's loss, between training and held-out rows
SLIGHT = 0.2  # of the guess's loss: a gain that is smaller counts as so large, so a quarter of it isn't mere noise
SURELY = 2.0  # standard errors
BY_HEART, HALF = 0.95, 0.5  # skill on training rows, and on others
PERFECT = 0.99  # accuracy on training rows
PAST, MATTERS = 0.2, 0.05  # rise of the held-out loss, of its least; of the guess's
FELL, CHANGED = 0.03, 8  # accuracy, and rows, lost since the best epoch
FEWEST_EPOCHS = 3

_LOSSES = Template("held-out loss {end:.4g}, training loss {train:.4g}", "평가 손실 {end:.4g}, 학습 손실 {train:.4g}")
ROSE = Sign(
    Template(
        "held-out loss {end:.4g}, least {best:.4g} in epoch {epoch}",
        "평가 손실 {end:.4g}, 가장 낮았을 때는 에포크 {epoch}의 {best:.4g}",
    ),
    Template("gain lost again", "나아졌다가 도로 잃은 비율"),
    Template(
        "a quarter of what had been gained over guessing, and a rise beyond noise ({noise:.2g})",
        "추측보다 나아졌던 만큼의 4분의 1, 그리고 잡음({noise:.2g})을 넘는 상승",
    ),
)
LEARNED_BY_HEART = Sign(
    _LOSSES,
    Template("held-out gain over guessing", "평가 데이터에서 추측보다 나은 정도"),
    Template(
        "half of the guess's loss, where training rows are learned by heart; 0 where they are merely better",
        "학습 데이터를 외웠을 때는 추측 손실의 절반, 그저 더 잘 맞힐 때는 0",
    ),
)
PAST_BEST = Sign(
    ROSE.where,
    Template("rise from the least held-out loss", "가장 낮았던 평가 손실에서 오른 비율"),
    Template(
        "a fifth of it, beyond noise ({noise:.2g}), with training rows known by heart",
        "그 5분의 1, 잡음({noise:.2g})을 넘고, 학습 데이터는 외운 상태",
    ),
)
PAST_NOTHING = Sign(
    ROSE.where,
    Template("rise from the least held-out loss", "가장 낮았던 평가 손실에서 오른 정도"),
    Template(
        "a fifth of the guess's loss, beyond noise ({noise:.2g}), with training rows known by heart",
        "추측 손실의 5분의 1, 잡음({noise:.2g})을 넘고, 학습 데이터는 외운 상태",
    ),
)
FELL_FROM_BEST = Sign(
    Template(
        "held-out accuracy {end:.3f}, greatest {best:.3f} in epoch {epoch}",
        "평가 정확도 {end:.3f}, 가장 높았을 때는 에포크 {epoch}의 {best:.3f}",
    ),
    Template("fall from the greatest", "가장 높았던 값에서 떨어진 정도"),
    Template(
        "three hundredths, and eight rows, with training rows known by heart",
        "100분의 3, 그리고 데이터 8개. 학습 데이터는 외운 상태",
    ),
)
BEHIND = Sign(
    _LOSSES,
    Template("gap", "차이"),
    Template(
        "of the guess's loss; and simple models do better on unseen rows",
        "추측 손실에 대한 비율이며, 처음 보는 데이터에서는 단순한 모형이 더 나음",
    ),
)
FAR_APART = Sign(
    _LOSSES,
    BEHIND.measure,
    Template(
        "of the guess's loss, with training rows known by heart",
        "추측 손실에 대한 비율이며, 학습 데이터는 외운 상태",
    ),
)


@dataclass(frozen=True)
class _Curves:
    """The losses' courses: guess, held-out losses averaged over a tenth of the epochs, training losses."""

    guess: float
    held: np.ndarray
    smooth: np.ndarray
    train: np.ndarray

    @property
    def end(self) -> float:
        """The held-out loss at the end."""
        return float(self.smooth[-1])

    @property
    def train_end(self) -> float:
        """The training loss at the end."""
        return float(self.train[-max(1, len(self.held) // 10) :].mean())


def overfitting(e: Evidence) -> list[Finding]:
    """A held-out loss that rose again, or stayed far above the training loss while simple models do better."""
    if not e.trained or not e.validated or e.diverged is not None or e.best_epoch:
        return []
    if shifted(e) or wrong_labels(e):
        return []  # what no longer holds for other rows wasn't learned by heart
    guess, held = e.data.get("held_guess") or e.guess, e.column("val_loss")
    if not guess or len(held) < FEWEST_EPOCHS:
        return []
    window = max(1, len(held) // 10)
    curves = _Curves(guess, held, np.convolve(held, np.ones(window) / window, mode="valid"), e.column("loss"))
    error = _error(e, curves.end)
    return (
        _rise(e, curves, error)
        or _by_heart(e, curves, error)
        or _behind(e, curves)
        or _past_best(e, curves, error)
        or _far_apart(e, curves, error)
    )


def _rise(e: Evidence, curves: _Curves, error: float) -> list[Finding]:
    """The held-out loss rose again, while the training loss fell.

    A remark where less than half of the gain was lost and the answers stayed as good: few rows are wrong more surely.
    """
    lowest = int(np.argmin(curves.smooth))
    best = float(curves.smooth[lowest])
    lost = (curves.end - best) / max(curves.guess - best, SLIGHT * abs(curves.guess))
    window = len(curves.held) - len(curves.smooth) + 1
    noise = math.hypot(error, SURELY * between_epochs(curves.held) / math.sqrt(window))
    learning = curves.train_end < curves.train[lowest] + 1e-12 and curves.train_end < curves.end
    if not (lost > LOST and curves.end - best > noise and learning):
        return []
    values: dict[str, Any] = {"end": curves.end, "best": best, "epoch": lowest + 1, "noise": noise}
    scores = e.column("val_accuracy") if e.classes else np.array([])
    as_good = len(scores) > 0 and float(scores.max() - scores[-window:].mean()) < FELL
    severity = "remark" if e.well and as_good and lost < 2 * LOST else "alarm"
    return [OVERFITTING.found(ROSE, lost, LOST, severity=severity, **values)]


def _past_best(e: Evidence, curves: _Curves, error: float) -> list[Finding]:
    """Training rows are known by heart, and the held-out loss rose, or its accuracy fell, far from the best epoch's.

    Of an accuracy, as many rows at least must have changed as chance changes both ways.
    """
    best, rows = float(curves.smooth.min()), e.data.get("held") or 0
    known = (e.skill(False) or 0.0) >= BY_HEART or (e.classes and (e.score(False) or 0.0) >= PERFECT)
    if not known:
        return []
    rise = curves.end - best
    window = len(curves.held) - len(curves.smooth) + 1
    noise = SURELY * math.hypot(error, between_epochs(curves.held) / math.sqrt(window))
    values: dict[str, Any] = {"end": curves.end, "best": best, "epoch": int(np.argmin(curves.smooth)) + 1}
    sign, base = (PAST_BEST, best) if best > 0 else (PAST_NOTHING, abs(curves.guess))  # of 0 or less is no share
    if rise > max(PAST * base, MATTERS * curves.guess, noise) and curves.train_end < curves.end:
        return [OVERFITTING.found(sign, rise / base, PAST, noise=noise, **values)]
    scores = e.column("val_accuracy") if e.classes else np.array([])
    if len(scores) <= window:
        return []
    smooth = np.convolve(scores, np.ones(window) / window, mode="valid")
    fall = float(smooth.max() - smooth[-1])
    if fall * rows < CHANGED or fall < FELL or rise <= 0:
        return []
    told: dict[str, Any] = {"end": float(smooth[-1]), "best": float(smooth.max()), "epoch": int(np.argmax(smooth)) + 1}
    return [OVERFITTING.found(FELL_FROM_BEST, fall, FELL, **told)]


def _by_heart(e: Evidence, curves: _Curves, error: float) -> list[Finding]:
    """Training rows are learned by heart, or merely better, and others are hardly told or not at all."""
    known, unseen = e.skill(False) or 0.0, 1 - curves.end / curves.guess
    worse = known >= GAP and unseen <= 0  # than guessing, where training rows are clearly better
    apart = curves.end - curves.train_end > SURELY * error
    if not (((known >= BY_HEART and unseen < HALF) or worse) and apart):
        return []
    return [OVERFITTING.found(LEARNED_BY_HEART, unseen, HALF, end=curves.end, train=curves.train_end)]


def _far_apart(e: Evidence, curves: _Curves, error: float) -> list[Finding]:
    """A remark that rows which are known by heart lie far from the others: nobody knows how near they could be."""
    gap = (curves.end - curves.train_end) / curves.guess
    if (e.skill(False) or 0.0) < BY_HEART or gap <= GAP or gap * curves.guess <= SURELY * error:
        return []
    values: dict[str, Any] = {"end": curves.end, "train": curves.train_end}
    return [OVERFITTING.found(FAR_APART, gap, GAP, severity="remark", **values)]


def _behind(e: Evidence, curves: _Curves) -> list[Finding]:
    """Held-out rows stay far behind training rows, and simple models do better on them."""
    gap = (curves.end - curves.train_end) / curves.guess
    score, reference = e.score(True), e.reference
    behind = score is not None and reference is not None and score < reference - SHORT_OF
    if not (gap > GAP and behind and (e.skill(False) or 0) > 1 - GAP):
        return []
    return [OVERFITTING.found(BEHIND, gap, GAP, end=curves.end, train=curves.train_end)]


def _error(e: Evidence, loss: float) -> float:
    """Standard error of the held-out loss: of classes it hangs on the rows that are wrong, as few as they may be."""
    rows = e.data.get("held") or math.inf
    accuracy = e.score(True) if e.classes else None
    few = math.inf if accuracy is None else max(1.0, rows * (1 - accuracy))
    return max(of_loss(loss, rows), loss / math.sqrt(few))


OVERFITTING = Kind(
    name=Template("overfitting", "과적합(overfitting)"),
    stage=Stage.FITTING,
    place=3,
    role=Role.OUTCOME,
    cause=Template(
        "The network learns its training rows by heart: on others it gets worse, or stays far behind.",
        "학습 데이터를 외우고 있어, 다른 데이터에서는 나빠지거나 크게 뒤처집니다.",
    ),
    remedy="bl.fit(..., validation=0.2, early_stopping=10, penalty=bl.L2(1e-3))  # or more rows, fewer units, dropout",
    command="--patience 10 --l2 0.001",
    effect=Template("a held-out loss near its least", "평가 손실이 가장 낮았던 값에 가까워집니다."),
    signs=(ROSE, LEARNED_BY_HEART, BEHIND, PAST_BEST, PAST_NOTHING, FELL_FROM_BEST, FAR_APART),
    rules=(overfitting,),
    repair=settings.restrained,
)

KINDS = (OVERFITTING,)
