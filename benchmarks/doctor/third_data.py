"""Data of the tuning half's third catalogue: texts that were cut, long padding, targets of heavy tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WORDS = ("ask", "call", "send", "open", "wait", "stop", "note", "sell", "move", "read", "lend", "plan")
LETTERS = {letter: 1 + place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}  # 0 is padding


def _errands(kept: slice, number: bool = False) -> Callable[[np.random.Generator], Any]:
    """Five to eight words, of which the letters of a part are kept; the last word tells the class, or the number."""

    def make(rng: np.random.Generator) -> Any:
        lines = [rng.integers(0, len(WORDS), rng.integers(5, 9)) for _ in range(900)]
        texts = [" ".join(WORDS[word] for word in line)[kept] for line in lines]
        x = np.array([[LETTERS[letter] for letter in text] for text in texts])
        last = np.array([line[-1] for line in lines])
        return x, (last % 4 + 0.3 * rng.normal(size=900)) if number else (last % 2).astype(int)

    return make


def _first_then_nothing(rng: np.random.Generator) -> Any:
    """Four to nine numbers, and zeros up to sixty steps: whether the first is above zero."""
    x, y = np.zeros((600, 60, 1)), np.zeros(600, int)
    for row in range(600):
        steps = rng.normal(size=rng.integers(4, 10))
        x[row, : len(steps), 0], y[row] = steps, int(steps[0] > 0)
    return x, y


def _words_then_nothing(rng: np.random.Generator) -> Any:
    """Three to six tokens of thirty, and zeros up to eighty: whether the first is one of the lower half."""
    x, y = np.zeros((600, 80), int), np.zeros(600, int)
    for row in range(600):
        tokens = rng.integers(1, 31, rng.integers(3, 7))
        x[row, : len(tokens)], y[row] = tokens, int(tokens[0] < 16)
    return x, y


def _fortunes(rng: np.random.Generator) -> Any:
    """What people own: the logarithm is a line of five columns, with some noise."""
    x = rng.normal(size=(700, 5))
    return x, np.exp(x @ [1.8, 1.2, -0.9, 0, 0] + 0.3 * rng.normal(size=700))


def _log_fortunes(rng: np.random.Generator) -> Any:
    x, y = _fortunes(rng)
    return x, np.log(y)


def _stray_readings(rng: np.random.Generator) -> Any:
    """A line, read with errors of a Cauchy distribution."""
    x = rng.normal(size=(700, 4))
    return x, x @ [1.0, -0.7, 0.4, 0] + 0.3 * rng.standard_cauchy(size=700).clip(-200, 200)


def _strays_alone(rng: np.random.Generator) -> Any:
    x, y = _stray_readings(rng)
    return x, rng.permutation(y)


THIRD: dict[str, Callable[[np.random.Generator], Any]] = {
    "errands_begun": _errands(slice(0, 7)),
    "errands_ended": _errands(slice(-5, None)),
    "errands_begun_numbers": _errands(slice(0, 7), number=True),
    "errands_ended_numbers": _errands(slice(-5, None), number=True),
    "first_then_nothing": _first_then_nothing,
    "words_then_nothing": _words_then_nothing,
    "fortunes": _fortunes,
    "log_fortunes": _log_fortunes,
    "stray_readings": _stray_readings,
    "strays_alone": _strays_alone,
}
