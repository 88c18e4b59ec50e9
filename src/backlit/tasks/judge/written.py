"""How good written texts are: scores beside those of guessing, and a few of them beside what should have been written.

The formulas, over all texts that are judged, w what was written and t what is true:

- exact match: the share of texts that are right in every token;
- accuracy: the share of tokens of t (its end included) that stand in w at the same place;
- character error: ``Σ edits(w, t) / Σ |t|``, the fewest insertions, deletions and replacements of characters (V.
  Levenshtein, 1966);
- BLEU: ``min(1, exp(1 − |t|/|w|)) · (p₁ p₂ p₃ p₄)^¼`` where pₙ is the share of w's runs of n words that t has as well,
  each at most as often as there; for n above 1 one is added to both counts (K. Papineni et al., ACL 2002; smoothing by
  C.-Y. Lin and F. Och, 2004). Words stand between spaces; texts without any are taken by characters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.languages import Template
from backlit.train.judgement import Example, Guess, Judgement

LONGEST = 4  # words in a run, for BLEU
SHOWN = 6  # texts that are shown

ALWAYS = Template("always {text!r}", "늘 ‘{text}’")
NO_BETTER = Template(
    "no better than {what} ({name} {own:.4g}, guessing {guess:.4g})",
    "‘{what}’보다 낫지 않습니다({name} {own:.4g}, 추측하면 {guess:.4g}).",
)


def edits(written: str, truth: str) -> int:
    """The fewest insertions, deletions and replacements of characters that make one text the other.

    >>> edits("sitting", "kitten"), edits("", "ab")
    (3, 2)
    """
    if not written or not truth:
        return len(written) + len(truth)
    there = np.frombuffer(truth.encode("utf-32-le", "replace"), np.uint32)
    places = np.arange(len(there) + 1)
    row = places
    for i, letter in enumerate(written, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (there != ord(letter)))
        row = np.minimum.accumulate(np.concatenate([[i], best]) - places) + places
    return int(row[-1])


def character_error(written: Sequence[str], truth: Sequence[str]) -> float:
    """Edits a character of the true texts.

    >>> character_error(["sitting", "a"], ["kitten", "a"])
    0.42857142857142855
    """
    return sum(map(edits, written, truth)) / max(1, sum(map(len, truth)))


def bleu(written: Sequence[str], truth: Sequence[str]) -> float:
    """BLEU of all texts together, between 0 and 1.

    >>> round(bleu(["the cat sat on the mat"], ["the cat sat on a mat"]), 4), bleu(["a b"], ["a b"])
    (0.6389, 1.0)
    """
    apart = str.split if any(" " in text.strip() for text in truth) else list
    hits, counts = np.zeros(LONGEST), np.zeros(LONGEST)
    lengths = [0, 0]
    for one, other in zip(written, truth, strict=True):
        mine, true = apart(one), apart(other)
        lengths = [lengths[0] + len(mine), lengths[1] + len(true)]
        for n in range(LONGEST):
            runs, known = _runs(mine, n + 1), _runs(true, n + 1)
            hits[n] += sum(min(count, known[run]) for run, count in runs.items())
            counts[n] += runs.total()
    if not hits[0]:
        return 0.0
    added = np.arange(LONGEST) > 0
    precision = (hits + added) / (counts + added)
    short = min(0.0, 1 - lengths[1] / lengths[0])
    return float(math.exp(short + np.log(precision).mean()))


def _runs(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def of_texts(written: Sequence[str], truth: Sequence[str]) -> dict[str, float]:
    """The scores that texts alone tell."""
    return {"character_error": character_error(written, truth), "bleu": bleu(written, truth)}


def usual_text(y: np.ndarray) -> str:
    """The most frequent text."""
    texts, counts = np.unique(y, return_counts=True)
    return str(texts[counts.argmax()])


def judge_texts(run: Any, x: Any, y: np.ndarray, usual: str, given: Sequence[str] | None = None) -> Judgement:
    """Scores of what a run writes for inputs that it never saw, beside those of always writing the same text.

    Parameters
    ----------
    run : Run
    x, y : as given to `fit_sequences`
        Inputs, and what should be written.
    usual : str
        The most frequent text of the training rows.
    given : list of str, optional
        The inputs as they are to be shown.
    """
    written = run.predict(x).tolist()
    truth = [str(text) for text in y]
    scores = run.evaluate(x, y) | of_texts(written, truth)
    scores.setdefault(
        "sequence_accuracy", float(np.mean([one == true for one, true in zip(written, truth, strict=True)]))
    )
    guess = {"sequence_accuracy": float((y == usual).mean()), **of_texts([usual] * len(truth), truth)}
    what = ALWAYS.say(text=usual)
    return Judgement(
        task="text",
        rows=len(truth),
        scores=scores,
        baseline={"what": what, **guess},
        guess=Guess(text=usual),
        warnings=no_better(scores, guess, what, "character_error", 1),
        examples=tuple(map(Example, given, truth, written))[:SHOWN] if given is not None else None,
    )


def no_better(scores: Any, guess: Any, what: str, name: str, sign: int = -1) -> tuple[str, ...]:
    """A warning, if guessing does as well; with sign 1 less is better."""
    if sign * (scores[name] - guess[name]) < 0:
        return ()
    return (NO_BETTER.say(what=what, name=name, own=scores[name], guess=guess[name]),)
