"""Symptoms: what can be seen of a network in trouble. They are no findings; causes list them as consequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.doctor.noise import of_share
from backlit.languages import Message, Template
from backlit.nn import losses

MOST_OFF = 0.5  # of a layer's units or values; a ReLU layer that works has hardly any unit off for all rows
FAINT, STRONG = 1e-2, 1e2  # the gradient at the first layer over that at the last
FAR_FROM_GUESSING = 3.0  # times the loss of guessing, before the first update
NO_BETTER = 0.02  # of the guess's loss got rid of
WAVERING = 0.3  # of the guess's loss, by which the training loss rises in its second half
FEWEST_STEPS = 8  # of a sequence, of which first and last third can be told apart
CLEARLY = 2.5  # standard errors
COMMON = 0.75  # share of the commonest class: guessing is hard to beat there
TELLING = 100  # rows: of fewer, nobody can say that nothing tells their targets
LUCK = 0.06  # standard error of how often twins agree: if it is more, nothing can be said
UNSEEN = 0.1  # skill that shows that inputs tell something of their targets

DEAD = Template(
    "{share:.0%} of the ReLU units of layer {layer} are off for every row",
    "{layer}번 층 ReLU 유닛의 {share:.0%}{이/가} 모든 데이터에서 꺼져 있음",
)
SATURATED = Template(
    "{share:.0%} of the values of layer {layer} are saturated", "{layer}번 층 값의 {share:.0%}{이/가} 포화됨"
)
VANISHED = Template(
    "the gradient at the first layer is {spread:.1e} of that at the last", "첫 층의 기울기가 마지막 층의 {spread:.1e}"
)
EXPLODED = Template(
    "the gradient at the first layer is {spread:.1e} times that at the last",
    "첫 층의 기울기가 마지막 층의 {spread:.1e}배",
)
FIRST_LOSS = Template("the first loss is {ratio:.3g} times that of guessing", "첫 손실이 추측했을 때의 {ratio:.3g}배")
DIVERGED = Template(
    "training turned NaN or infinite in epoch {epoch}: {place}",
    "에포크 {epoch}에서 NaN이나 무한대가 나옴: {place}",
)
USELESS = Template("the loss ends no better than that of guessing", "손실이 끝까지 추측보다 낫지 않음")
RISING = Template("the training loss rises as often as it falls", "학습 손실이 오르내리기만 함")
TEMPLATES = (DEAD, SATURATED, VANISHED, EXPLODED, FIRST_LOSS, DIVERGED, USELESS, RISING)


def worst(record: dict[str, Any], number: str, kinds: tuple[str, ...]) -> tuple[str, float]:
    """The layer of some kinds with the greatest value of a number, and that value; ("", 0) if there is none."""
    values = [
        (layer[number], path)
        for path, layer in record.get("layers", {}).items()
        if layer.get("layer") in kinds and layer.get(number) is not None
    ]
    value, path = max(values, default=(0.0, ""))
    return path, float(value)


def dead(record: dict[str, Any]) -> tuple[str, float]:
    """The first rectifier of which most units are off for all rows, since those behind it only follow.

    If there is none, the one with the largest share of them.
    """
    paths = sorted(record.get("layers", {}), key=in_order)
    rectifiers = [(path, record["layers"][path]) for path in paths]
    for path, layer in rectifiers:
        if layer.get("layer") == "ReLU" and (layer.get("dead") or 0.0) >= MOST_OFF:
            return path, float(layer["dead"])
    return worst(record, "dead", ("ReLU",))


def in_order(path: str) -> list[tuple[int, int, str]]:
    """A key by which paths are sorted as layers follow one another: "2" before "10".

    Examples
    --------
    >>> sorted(["10", "2/0", "2"], key=in_order)
    ['2', '2/0', '10']
    """
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in path.split("/")]


def saturated(record: dict[str, Any]) -> tuple[str, float]:
    """The layer with the largest share of saturated values, of sigmoids, tanh and simple recurrent layers."""
    return worst(record, "saturated", ("Sigmoid", "Tanh", "RNN"))


def spread_of_gradient(e: Evidence, record: dict[str, Any]) -> float | None:
    """‖∂L/∂a‖ at the first weighted layer over that at the last: far below 1 it vanishes, far above it explodes."""
    norms = [
        record.get("layers", {}).get(part.path or "network", {}).get("gradient_norm")
        for part in e.weighted
        if not part.layer.recurrent
    ]
    known = [norm for norm in norms if norm is not None]
    if len(known) < 3 or not known[-1]:
        return None
    return float(known[0] / known[-1])


def through_time(record: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Of each recurrent layer: its path, and two ratios of ‖∂L/∂hₜ‖.

    That of the first steps over the greatest, and that of the first third over the last third's.
    """
    ratios = []
    for path, layer in record.get("layers", {}).items():
        norms = np.array([value or 0.0 for value in layer.get("steps", {}).get("gradient_norm", [])], dtype=float)
        if len(norms) < FEWEST_STEPS or not norms.max() > 0:
            continue
        first = norms[: max(1, len(norms) // 10)].max() / norms.max()
        third = len(norms) // 3
        ratios.append((path, float(first), float(norms[:third].max() / max(norms[-third:].max(), 1e-300))))
    return ratios


def expected_spread(shape: tuple[int, ...], gates: int = 1) -> tuple[float, float]:
    """The least and the greatest standard deviation that theory has for a weight (units, ..., inputs).

    √(2 / (in + out)), √(1 / in) and √(2 / in).

    Examples
    --------
    >>> [round(bound, 3) for bound in expected_spread((100, 50))]
    [0.115, 0.2]
    """
    into = math.prod(shape[1:])
    out = shape[0] // gates * math.prod(shape[1:-1])
    spreads = math.sqrt(2 / (into + out)), math.sqrt(1 / into), math.sqrt(2 / into)
    return min(spreads), max(spreads)


def first_loss(e: Evidence) -> float | None:
    """The loss before the first update over that of guessing."""
    loss = e.start.get("loss")
    return None if loss is None or not e.guess else float(loss / e.guess)


def seen(e: Evidence) -> tuple[Message, ...]:
    """What was seen of trouble."""
    symptoms = []
    path, share = dead(e.last)
    if share >= MOST_OFF:
        symptoms.append(DEAD.of(share=share, layer=path))
    path, share = saturated(e.last)
    if share >= MOST_OFF:
        symptoms.append(SATURATED.of(share=share, layer=path))
    spread = spread_of_gradient(e, e.last)
    if spread is not None and spread < FAINT:
        symptoms.append(VANISHED.of(spread=spread))
    if spread is not None and spread > STRONG:
        symptoms.append(EXPLODED.of(spread=spread))
    ratio = first_loss(e)
    if ratio is not None and ratio > FAR_FROM_GUESSING:
        symptoms.append(FIRST_LOSS.of(ratio=ratio))
    if e.diverged is not None:
        symptoms.append(DIVERGED.of(epoch=e.diverged.epoch, place=e.diverged.place))
    elif e.trained:
        skill = e.skill(e.validated)
        if skill is not None and skill < NO_BETTER and math.isfinite(skill):
            symptoms.append(USELESS.of())
        if wavering(e) > WAVERING:
            symptoms.append(RISING.of())
    return tuple(symptoms)


def wavering(e: Evidence) -> float:
    """How far the training loss goes up in its second half, as a share of what guessing would lose.

    The mean of the rises from one epoch to the next.
    """
    column = e.column("loss")
    late = column[len(column) // 2 :]
    if len(late) < 4 or not e.guess:
        return 0.0
    steps = np.diff(late)
    rises = steps[steps > 0]
    return float(rises.sum() / len(rises) / e.guess) if len(rises) else 0.0


def never_better(e: Evidence) -> bool:
    """Whether no epoch did clearly better than guessing on rows that weren't trained on (on all, if there are none)."""
    column, guess = e.column("val_loss" if e.validated else "loss"), e.data.get("held_guess") or e.guess
    shares, accuracy = (e.data.get("held_targets") or {}).get("shares"), e.score(True)
    if e.classes and shares and accuracy is not None:
        luck = CLEARLY * of_share(max(shares), e.data.get("held") or math.inf)
        if accuracy > max(shares) + luck:
            return False  # noise in labels keeps the loss up, but not the accuracy down
    return bool(guess) and len(column) > 0 and 1 - column.min() / guess <= UNSEEN


def simple_models_fail(e: Evidence) -> bool | None:
    """Whether simple models do no better than guessing, either; None if there are none."""
    simple = e.data.get("tamed") or e.data.get("reference") or {}
    if "linear" not in simple:
        differ = twins_differ(e)  # that twins agree tells nothing: they may be copies
        if _tokens_tell(e) and not (differ and e.data["twins"]["repeated"] >= 0.5):
            return False
        return differ or None
    if simple["rows"] < TELLING:
        return None
    return bool(max(simple["linear"], simple["neighbours"]) <= simple["guess"] + error_of_simple(e, simple["rows"]))


def error_of_simple(e: Evidence, rows: float) -> float:
    """How far a simple model's score may lie above guessing by luck: two standard errors of an accuracy, less of R²."""
    return 2 * math.sqrt(0.25 / rows) if e.classes else min(0.05, 12 / rows)


def _tokens_tell(e: Evidence) -> bool:
    """Whether simple models tell training rows by how often each token is in them, each row judged by the others."""
    parts = e.data.get("parts") or {}
    rows = parts.get("counted_inner", 0.0)
    if "token" not in parts or rows < TELLING:
        return False
    error = math.sqrt(0.25 / rows) if e.classes else min(0.05, 12 / rows)
    return bool(parts["inner"] > parts["guess_inner"] + CLEARLY * error)


def twins_differ(e: Evidence) -> bool:
    """Whether rows that are equal have the same target no more often than any two rows: inputs tell nothing of it."""
    twins = e.data.get("twins") or {}
    rows = twins.get("repeated", 0.0) * e.data.get("rows", 0)
    if "agree" not in twins or rows < TELLING:
        return False
    error = error_of_twins(e)
    return bool(error <= LUCK and twins["agree"] <= twins["any"] + 2 * error)


def error_of_twins(e: Evidence) -> float:
    """Standard error of how often twins agree: of so many pairs as there are at least."""
    twins = e.data["twins"]
    pairs = max(twins["repeated"] * e.data["rows"] / 2, 1.0)
    return float(math.sqrt(twins["any"] * (1 - twins["any"]) / pairs) if e.classes else 1 / math.sqrt(pairs))


def undefined_somewhere(e: Evidence) -> bool:
    """Whether what turned bad first can give NaN for usual numbers: our own layers, and losses on scores, can't."""
    bad = e.diverged
    if bad is None:
        return False
    if bad.kind == "loss":
        known = losses.built_in(e.loss) or getattr(e.loss, "known", False)  # a library's own, or Backlit's
        return not known or e.loss.activation == "identity"
    part = next((part for part in e.parts if part.path == bad.path), None) if bad.kind == "layer" else None
    if part is not None and type(part.layer).__module__.startswith("backlit.nn."):
        return bool(e.sequences.get("empty", 0.0) > 0)  # `Masked` around it: rows of padding alone
    return bad.kind in ("layer", "output")
