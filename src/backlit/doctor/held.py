"""What a run's network says of the rows it held back, where its data is at hand: of rare classes, and whether it fits.

Kept by recipe, since preparing all rows takes its time.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.doctor.symptoms import COMMON
from backlit.errors import BacklitError
from backlit.graph import tree
from backlit.nn.shapes import rows_at
from backlit.train.probes.parts import balanced, counted, fitting, honestly_moved, renamed

MOST_ROWS = 4096
KINDS = ("class", "binary", "number")  # of targets, a value a row
BEHIND = 0.1  # of the guess's loss, that held-out rows lie behind before it is asked why


@dataclass(frozen=True)
class Held:
    """What the network says of held-out rows: see `told_apart` and `answers`; empty where that isn't known.

    `rare` has "recall" and "rows" of the training rows besides, as "learned" and "training".
    """

    rare: dict[str, float] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)


_kept: weakref.WeakKeyDictionary[Any, tuple[Any, Any, Held]] = weakref.WeakKeyDictionary()


def held_out(run: Any) -> Held:
    """What a run of one network says of the rows that it held back, if classes are imbalanced or it is far behind."""
    facts = (run.start or {}).get("data") or {}
    recipe, shape, kind = getattr(run, "recipe", None), run.network.output_shape, facts.get("kind", "")
    if recipe is None or recipe.training.ensemble > 1 or recipe.streamed:
        return Held()
    if kind not in KINDS or not isinstance(shape, tuple) or len(shape) > 1:
        return Held()  # of a value at each step or pixel nothing is told, and nothing worked out
    shares = (facts.get("held_targets") or {}).get("shares") or [0.0]
    common = int(np.argmax(shares)) if COMMON <= max(shares) < 1 else None
    behind = _behind(run.history, facts.get("held_guess") or facts.get("guess"))
    if common is None and not behind:
        return Held()
    asked = common, behind
    if recipe not in _kept or _kept[recipe][0]() is not run.network or _kept[recipe][1] != asked:
        _kept[recipe] = weakref.ref(run.network), asked, _of_run(run, recipe, kind, common, behind)
    return _kept[recipe][2]


def _behind(history: list[dict[str, Any]], guess: float | None) -> bool:
    """Whether the held-out loss ends far above the training loss."""
    last = history[-1] if history else {}
    held, own = last.get("val_loss"), last.get("loss")
    return bool(held is not None and own is not None and guess and held - own > BEHIND * guess)


def _of_run(run: Any, recipe: Any, kind: str, common: int | None, behind: bool) -> Held:
    try:
        examples = recipe.prepared().examples()
    except BacklitError:
        return Held()
    split = examples.split
    if split.validation is None:
        return Held()
    numbers = split.validation[0]  # in an order that may be that of the classes
    rng = np.random.default_rng(recipe.training.seed)
    rows = numbers[np.sort(rng.permutation(len(numbers))[:MOST_ROWS])]
    told = _told(run, split.inputs, split.encoded, rows)
    if told is None:
        return Held()
    sure = kind == "binary" and run.loss.activation == "identity"  # outputs are probabilities, and no logits
    rare = {}
    outputs = told[0] if kind == "number" else _scores(told[0], sure)
    if common is not None:
        rare = told_apart(outputs, told[1].astype(int), common)
        own = split.training[0]
        own = own[np.sort(rng.permutation(len(own))[:MOST_ROWS])]
        learned = _told(run, examples.inputs, examples.encoded, own) if rare else None
        if learned is not None:
            known = told_apart(_scores(learned[0], sure), learned[1].astype(int), common)
            rare |= {"learned": known["recall"], "training": known["rows"]} if known else {}
    if not behind:
        return Held(rare)
    follow = rows_at({"y": examples.encoded}, np.sort(split.training[0])[:MOST_ROWS])["y"]
    return Held(rare, answers(outputs, told[1], kind, len(rows) == len(numbers), follow.reshape(len(follow), -1)[:, 0]))


def _told(run: Any, inputs: Any, encoded: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The network's outputs (rows, outputs) and the targets (rows,), if there is one of both a row."""
    some = rows_at({"x": inputs, "y": encoded}, rows)
    if len(tree.leaves(some["y"])) != 1 or some["y"].size != len(rows):
        return None
    made = np.asarray(run.forward(some["x"]), np.float64)
    return (made, some["y"].reshape(-1)) if made.ndim == 2 and np.isfinite(made).all() else None


def _scores(outputs: np.ndarray, sure: bool = False) -> np.ndarray:
    """A score for each class, also of a single output for class 1: a logit, or its probability if that is `sure`."""
    if outputs.shape[-1] > 1:
        return outputs
    return np.concatenate([1 - outputs if sure else np.zeros_like(outputs), outputs], axis=1)


def told_apart(outputs: np.ndarray, labels: np.ndarray, common: int) -> dict[str, float]:
    """Recall of the classes other than the common one, and the AUC of the score against it.

    Parameters
    ----------
    outputs : array (rows, classes), or (rows, 1) of a score for class 1
    labels : int array (rows,)
    common : int

    Examples
    --------
    >>> told_apart(np.array([[2.0, 1.0], [1.0, 2.0], [2.0, 1.5], [3.0, 0.0]]), np.array([0, 1, 1, 0]), 0)
    {'recall': 0.5, 'auc': 1.0, 'rows': 2.0}
    """
    outputs = _scores(outputs)
    rare = labels != common
    if not rare.any() or rare.all():
        return {}
    others = np.delete(outputs, common, axis=1).max(axis=1)
    score = others - outputs[:, common]
    more = score[rare][:, None] - score[~rare][None]
    auc = float((more > 0).mean() + 0.5 * (more == 0).mean())
    recall = float((outputs.argmax(axis=1) == labels)[rare].mean())
    return {"recall": recall, "auc": auc, "rows": float(rare.sum())}


def answers(
    outputs: np.ndarray, targets: np.ndarray, kind: str, together: bool = True, own: np.ndarray | None = None
) -> dict[str, float]:
    """How well a network's answers fit held-out targets as they are ("across"), and if these were told otherwise.

    Parameters
    ----------
    outputs : array (rows, outputs)
    targets : array (rows,)
        As the loss takes them.
    kind : str
        "class", "binary" or "number"; of others nothing is told.
    together : bool
        Whether the rows follow one another as they are stored.
    own : array (training rows,), optional
        Targets that were learned from, as they follow one another.

    Returns
    -------
    dict
        As of `train.probes.parts_of`: "held", "across", "recoded", "next", "guess", of classes "counted", of numbers
        "levelled" and "drift"; "usual", what "next" comes to at most where all is as it should be: see
        `train.probes.parts.honestly_moved`.

    Examples
    --------
    >>> labels = np.arange(60) % 3
    >>> told = answers(np.eye(3)[(labels + 1) % 3], labels, "class")
    >>> told["across"], told["recoded"]
    (0.0, 1.0)
    """
    parts = [part for part in (targets, own) if part is not None and len(part) > 1]
    usual = max((honestly_moved(part, kind) for part in parts), default=1.0)
    if kind == "number":
        fits = fitting(outputs, targets.astype(np.float64)[:, None], together)
        return {"held": len(targets), "usual": usual, **fits}
    labels = targets.astype(int)
    if kind not in ("class", "binary") or labels.min() < 0 or len(np.unique(labels)) < 2:
        return {}
    scores = _scores(outputs)
    moved = max(balanced(scores, np.roll(labels, by)) for by in (-1, 1)) if together else 0.0
    return {
        "held": len(labels), "across": balanced(scores, labels), "recoded": renamed(scores, labels), "next": moved,
        "usual": usual, "guess": 1 / len(np.unique(labels)), "counted": counted(labels),
    }  # fmt: skip
