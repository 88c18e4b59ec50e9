"""Networks that write: texts as targets, and what the network writes as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.data.text.texts import Texts, tokenizer_from
from backlit.data.text.tokenizer import END
from backlit.errors import InputError, ShapeError
from backlit.train.search import beam_search
from backlit.train.targets import PADDING


@dataclass(frozen=True, eq=False)
class TextTargets:
    """Texts as targets of a network that writes: the `encoding` that `fit` takes.

    Parameters
    ----------
    tokenizer : Tokenizer
    steps : int
        Tokens of the longest text, its end included.

    Examples
    --------
    >>> from backlit.data.text import Tokenizer
    >>> TextTargets(Tokenizer.learn("ab"), steps=4).encode(["ab", "b"], "float32").tolist()
    [[4, 5, 3, -1], [5, 3, -1, -1]]
    """

    kind: ClassVar[str] = "text"
    labels: ClassVar[None] = None

    tokenizer: Any
    steps: int

    def encode(self, y: Any, dtype: str) -> np.ndarray:
        """Token numbers, int32 (rows, steps), with END after each text and -1 after that; numbers are left alone."""
        y = np.asarray(y)
        if y.dtype.kind in "iu":
            if y.shape[1:] != (self.steps,):
                raise ShapeError(f"targets must have shape (rows, {self.steps}), got {y.shape}")
            return y.astype(np.int32, copy=False)
        rows, cut = self.tokenizer.encode_all(y.tolist(), self.steps, end=True)
        long = (cut > 0) | ~(rows == END).any(axis=1)
        if long.any():
            row = int(np.argmax(long))
            raise InputError(
                f"targets: row {row} has {int(cut[row]) + self.steps} tokens; there is room for {self.steps - 1} "
                "and an end"
            )
        return np.where(rows == 0, PADDING, rows).astype(np.int32)

    def own_unit(self, values: np.ndarray) -> np.ndarray:
        """The values themselves: tokens have no unit."""
        return values

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Texts of logits (rows, steps, tokens), each up to its end."""
        return np.array([self.text(row) for row in outputs.argmax(axis=-1)], dtype=str)

    def text(self, tokens: np.ndarray) -> str:
        """The text of token numbers, up to their end."""
        ends = np.flatnonzero((tokens == END) | (tokens < 0))
        return self.tokenizer.decode(tokens[: ends[0]] if len(ends) else tokens)

    def probabilities(self, outputs: np.ndarray, activation: str | None) -> np.ndarray:
        """There is none for a text as a whole."""
        raise InputError("a network that writes texts has no probabilities of classes; run.write tells each text's")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"kind": self.kind, "tokenizer": self.tokenizer.to_dict(), "steps": self.steps}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TextTargets:
        """The inverse of `to_dict`."""
        return cls(tokenizer_from(data["tokenizer"]), int(data["steps"]))


@dataclass(frozen=True, eq=False)
class Written:
    """A text that a network wrote.

    Attributes
    ----------
    text : str
    log_probability : float
        Natural logarithm of its probability, or of its probability by length (see `beam_search`).
    attention : array (tokens, time) or None
        What each token, the end included, looked at: shares of the input's steps without padding, each row of sum 1.
    others : list of (str, float)
        The next likeliest texts of the beam.
    """

    text: str
    log_probability: float
    attention: np.ndarray | None
    others: list[tuple[str, float]]

    def __repr__(self) -> str:
        return f"Written({self.text!r}, {self.log_probability:.3f})"


def _real(run: Any, row: np.ndarray) -> slice:
    """The steps of an input that aren't padding."""
    return slice(int((row != 0).sum())) if isinstance(run.preparation, Texts) else slice(None)


def write(run: Any, x: Any, beam: int = 1, length_penalty: float = 0.0) -> list[Written]:
    """See `Run.write`."""
    if not isinstance(run.targets, TextTargets) or not hasattr(run.network.architecture, "decoder"):
        raise InputError(
            "this run's network writes no texts; bl.fit_sequences(x, texts, to='text') trains one that does"
        )
    inputs = run.inputs(x)
    found = beam_search(run.network, inputs, beam, length_penalty)
    results = []
    for row in range(len(inputs)):
        texts = [run.targets.text(tokens) for tokens in found.tokens[row]]
        scores = found.scores[row].tolist()
        length = int((found.tokens[row, 0] >= 0).sum())
        looked = None if found.attention is None else found.attention[row, 0, :length, _real(run, inputs[row])]
        real = [pair for pair in zip(texts[1:], scores[1:], strict=True) if np.isfinite(pair[1])]
        results.append(Written(texts[0], scores[0], looked, real))
    return results
