"""Findings about what was learned: too much, too little, of the wrong thing, or not for long enough."""

from __future__ import annotations

import math

import numpy as np

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import SHORT_OF, Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.findings.initialisation import expected
from backlit.doctor.noise import between_epochs, of_loss, of_share
from backlit.doctor.symptoms import seen
from backlit.graph import tree

LOST = 0.25  # of the held-out skill that was had once
GAP = 0.3  # of the guess's loss, between training and held-out rows
FLAT = 0.02  # of the guess's loss, in a quarter of the epochs: the training loss no longer falls
SLOWLY = 0.05  # of what is left of the loss, likewise: as many epochs again would leave most of it
SLIGHT = 0.2  # of the guess's loss: a gain that is smaller counts as so large, so a quarter of it isn't mere noise
FALLING = 0.01  # of the guess's loss, by which the held-out loss still fell in the last tenth
SURELY, CLEARLY = 2.0, 2.5  # standard errors
COMMON = 0.75  # share of the commonest class
FOUND = 0.5  # of the rows of other classes, at least, must lift accuracy above the common class's share
SHRUNK = 0.5  # of the weights' starting size
BY_HEART, HALF = 0.95, 0.5  # skill on training rows, and on others
STRONG = 0.6  # share dropped
LITTLE = 0.05  # skill no better than guessing
TELLING = 100  # rows: of fewer, nobody can say that nothing tells their targets
UNSEEN = 0.1  # skill that shows that inputs tell something of their targets


def never_better(e: Evidence) -> bool:
    """Whether no epoch did clearly better than guessing on rows that weren't trained on (on all, if there are none)."""
    losses, guess = e.column("val_loss" if e.held else "loss"), e.data.get("held_guess") or e.guess
    shares, accuracy = (e.data.get("held_targets") or {}).get("shares"), e.score(True)
    if e.classes and shares and accuracy is not None:
        luck = CLEARLY * of_share(max(shares), e.data.get("held") or math.inf)
        if accuracy > max(shares) + luck:
            return False  # noise in labels keeps the loss up, but not the accuracy down
    return bool(guess) and len(losses) > 0 and 1 - losses.min() / guess <= UNSEEN


def simple_models_fail(e: Evidence) -> bool | None:
    """Whether simple models do no better than guessing, either; None if there are none."""
    told = e.data.get("reference") or {}
    if "linear" not in told:
        return None
    if told["rows"] < TELLING:
        return None
    error = 2 * math.sqrt(0.25 / told["rows"]) if e.classes else 0.05
    return bool(max(told["linear"], told["neighbours"]) <= told["guess"] + error)


def _unrelated(e: Evidence) -> list[Finding]:
    told = e.data.get("reference") or {}
    where = f"{e.data['rows']} rows"
    if "linear" in told:
        score = max(told["linear"], told["neighbours"]) - told["guess"]
        measure = "best simple model above guessing" + (", accuracy" if e.classes else ", R²")
        limit, source = (2 * math.sqrt(0.25 / told["rows"]) if e.classes else 0.05), "two standard errors"
    else:
        losses = e.column("val_loss")
        score, measure = (
            1 - float(losses.min()) / (e.data.get("held_guess") or e.guess or 1),
            "best held-out gain over guessing",
        )
        limit, source = UNSEEN, "what luck may bring"
    return [finding("unrelated labels", where, measure, score, limit, source, consequences=seen(e))]


def by_heart(e: Evidence) -> list[Finding]:
    """Targets learned by heart that nothing can tell for other rows: neither neighbours nor a line nor the network."""
    if not e.trained or not e.held or e.diverged is not None or simple_models_fail(e) is False:
        return []
    if e.data.get("rows", 0) < TELLING or (e.classes and max(e.targets.get("shares") or [0]) >= COMMON):
        return []  # guessing is hard to beat there
    return _unrelated(e) if never_better(e) and (e.skill(False) or 0) > GAP else []


def unlearnable(e: Evidence) -> list[Finding]:
    """Targets that nothing can tell from the inputs, though gradients flow."""
    if not e.trained or e.diverged is not None or not e.looks or simple_models_fail(e) is not True:
        return []
    if e.classes and max(e.targets.get("shares") or [0]) >= COMMON:
        return []
    flowing = all(own.get("gradient_norm") for path, own in e.last.get("params", {}).items() if path.endswith("weight"))
    return _unrelated(e) if flowing and never_better(e) else []


def decay(e: Evidence) -> list[Finding]:
    """Weights that a penalty or decay pulls to zero."""
    strength = e.optimizer.option("weight_decay") or 0.0
    penalty = e.settings.get("penalty")
    if not e.trained or e.well or (not strength and not penalty) or not e.start.get("params"):
        return []
    first, last = e.start["params"], e.last.get("params", {})
    shares = {
        path: last[path]["norm"] / first[path]["norm"]
        for path in first
        if path.endswith("weight") and path in last and first[path]["norm"] and last[path]["norm"] is not None
    }
    if not shares:
        return []
    path = min(shares, key=lambda own: shares[own])
    bound = _bound(e)
    if shares[path] > SHRUNK and bound is not None:
        where = f"AdamW(weight_decay={strength:g}) holds weights below 1/{strength:g}"
        source = "the least starting size that theory has: Adam's updates are at most the rate, the decay rate · λ · w"
        return [finding("weight decay too strong", where, "1/λ", 1 / strength, bound, source, consequences=seen(e))]
    if shares[path] > SHRUNK:
        return []
    set_to = f"penalty {penalty}" if penalty else f"weight decay {strength:g}"
    source = "learning makes weights grow, or keeps their size; it doesn't take most of it"
    where = f"{path}, {set_to}"
    return [finding("weight decay too strong", where, "‖w‖ at the end / at the start", shares[path], SHRUNK, source,
                    consequences=seen(e))]  # fmt: skip


def _bound(e: Evidence) -> float | None:
    """The size that weights should have at least, if AdamW's decay holds them below it."""
    strength = e.optimizer.option("weight_decay") or 0.0
    if type(e.optimizer.last).__name__ != "AdamW" or not strength:
        return None
    sizes = [expected(np.shape(leaf))[0] for part in e.weighted for leaf in e.weights(part).values()]
    wanted = max(sizes, default=0.0)
    return wanted if 1 / strength < wanted else None


def dropout(e: Evidence) -> list[Finding]:
    """Dropout without which the network would learn."""
    rates = [
        (getattr(part.layer, name), part.path)
        for part in e.parts
        for name in ("rate", "dropout", "recurrent_dropout")
        if isinstance(getattr(part.layer, name, None), float)
    ]
    rate, path = max(rates, default=(0.0, ""))
    if not e.trained or e.well or rate <= STRONG or e.diverged is not None:
        return []
    skill = e.skill(False)
    if skill is not None and skill > 1 - LITTLE:
        return []
    source = "Srivastava et al. 2014 find 0.2 to 0.5 best; here little was learned"
    return [finding("dropout too strong", f"layer {path}", "share dropped", rate, STRONG, source, consequences=seen(e))]


def imbalance(e: Evidence) -> list[Finding]:
    """An accuracy that is just the share of the commonest class, on unseen rows or, if they are too few, on all."""
    if not e.trained or e.diverged is not None:
        return []
    for held in (True, False) if e.held else (False,):
        shares = (e.data.get("held_targets") or {}).get("shares") if held else e.targets.get("shares")
        accuracy, rows = e.score(held), e.data.get("held" if held else "rows") or math.inf
        if not shares or accuracy is None or not COMMON <= max(shares) < 1:
            continue
        most = max(shares)
        limit = most + FOUND * (1 - most)
        if accuracy >= limit:
            return []
        rare = rows * (1 - most)  # half of these found has the standard error √rare / 2
        if (limit - accuracy) * rows >= SURELY * math.sqrt(rare) / 2:
            where = f"accuracy {accuracy:.3f}, and {most:.1%} of the rows are of one class"
            source = "half of the other classes' rows found"
            return [finding("imbalance hidden by accuracy", where, "accuracy", accuracy, limit, source)]
    return []


def overfitting(e: Evidence) -> list[Finding]:
    """A held-out loss that rose again, or stayed far above the training loss while simple models do better."""
    if not e.trained or not e.held or e.diverged is not None or e.best_epoch:
        return []
    guess = e.data.get("held_guess") or e.guess
    held, train = e.column("val_loss"), e.column("loss")
    if not guess or len(held) < 3:
        return []
    window = max(1, len(held) // 10)
    smooth = np.convolve(held, np.ones(window) / window, mode="valid")
    best, end = float(smooth.min()), float(smooth[-1])
    had = max(guess - best, SLIGHT * guess)
    lost = (end - best) / had
    error = _error(e, end)
    noise = math.hypot(error, SURELY * between_epochs(held) / math.sqrt(window))
    learning = train[-window:].mean() < train[int(np.argmin(smooth))] + 1e-12
    if lost > LOST and end - best > noise and learning and train[-window:].mean() < end:
        where = f"held-out loss {end:.4g}, least {best:.4g} in epoch {int(np.argmin(smooth)) + 1}"
        source = f"a quarter of what had been gained over guessing, and a rise beyond noise ({noise:.2g})"
        return [finding("overfitting", where, "gain lost again", lost, LOST, source)]
    known, unseen = e.skill(False) or 0.0, 1 - end / guess
    worse = known >= GAP and unseen <= 0  # than guessing, where training rows are clearly better
    if ((known >= BY_HEART and unseen < HALF) or worse) and end - train[-window:].mean() > SURELY * error:
        where = f"held-out loss {end:.4g}, training loss {train[-window:].mean():.4g}"
        source = "half of the guess's loss, where training rows are learned by heart; 0 where they are merely better"
        return [finding("overfitting", where, "held-out gain over guessing", unseen, HALF, source)]
    gap = (end - float(train[-window:].mean())) / guess
    score, reference = e.score(True), e.reference
    behind = score is not None and reference is not None and score < reference - SHORT_OF
    if gap > GAP and behind and (e.skill(False) or 0) > 1 - GAP:
        where = f"held-out loss {end:.4g}, training loss {train[-window:].mean():.4g}"
        source = "of the guess's loss; and simple models do better on unseen rows"
        return [finding("overfitting", where, "gap", gap, GAP, source)]
    return []


def _error(e: Evidence, loss: float) -> float:
    """Standard error of the held-out loss: of classes it hangs on the rows that are wrong, as few as they may be."""
    rows = e.data.get("held") or math.inf
    accuracy = e.score(True) if e.classes else None
    few = math.inf if accuracy is None else max(1.0, rows * (1 - accuracy))
    return max(of_loss(loss, rows), loss / math.sqrt(few))


def stopped(e: Evidence) -> list[Finding]:
    """A held-out loss that still falls."""
    name = "val_loss" if e.held else "loss"
    losses = e.column(name)
    guess = e.guess
    if not guess or len(losses) < 4 or e.diverged is not None or e.stopped == "early stopping":
        return []
    window = max(1, len(losses) // 10)
    fall = float(losses[-2 * window : -window].mean() - losses[-window:].mean()) / guess
    noise = between_epochs(losses) * math.sqrt(2 / window) if len(losses) >= 10 else 0.0  # few epochs: it's the bend
    if fall < max(FALLING, SURELY * noise / guess):
        return []
    where = f"epoch {len(losses)}, {name} {losses[-1]:.4g}"
    source = "of the guess's loss, over the last tenth of the epochs"
    return [finding("stopped early", where, "fall", fall, FALLING, source, "remark")]


def capacity(e: Evidence) -> list[Finding]:
    """A training loss that no longer falls, above what simple models reach."""
    told = e.data.get("reference") or {}
    losses = e.column("loss")
    if not e.trained or e.well or "linear" not in told or len(losses) < 8 or e.diverged is not None or not e.guess:
        return []
    quarter = len(losses) // 4
    falling = (losses[-2 * quarter : -quarter].mean() - losses[-quarter:].mean()) / e.guess
    score, reference = e.score(False), e.reference
    if score is None or reference is None or score >= reference - SHORT_OF:
        return []
    if falling > max(FLAT, SLOWLY * losses[-1] / e.guess):
        return []
    widths = [part.output[-1] for part in e.weighted[:-1]]
    narrow = min(widths, default=0)
    size = sum(int(np.prod(np.shape(leaf))) for leaf in tree.leaves(e.network.params))
    where = f"{size:,} parameters" + (f", narrowest layer {narrow}" if widths else ", no hidden layer")
    measure = "training " + ("accuracy" if e.classes else "R²")
    source = "what ridge regression or five neighbours reach on unseen rows, less two standard errors"
    return [finding("too little capacity", where, measure, score, reference, source)]


RULES = (by_heart, decay, dropout, imbalance, overfitting, stopped)
FALLBACK = (unlearnable, capacity)  # where nothing else explains why little was learned
