"""Targets as users have them and as losses want them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from backlit.data.labels import Labels
from backlit.data.text.texts import tokenizer_from
from backlit.data.text.tokenizer import END
from backlit.data.textual import as_texts, is_text
from backlit.errors import InputError, ShapeError, unknown
from backlit.graph.ops import sigmoid, softmax
from backlit.schema import fitted, parts

KINDS = ("class", "binary", "multi_label", "probability", "number")
PADDING = -1  # the class of a step that doesn't count


@dataclass(frozen=True, eq=False)
class Targets:
    """How targets are encoded for a loss, and outputs decoded for people.

    Classes may be one a row, or one for each step of a sequence: (rows, time), where -1 or "" is padding.

    Parameters
    ----------
    kind : str
        The loss's kind of target: "class", "binary", "multi_label", "probability" or "number".
    outputs : tuple of int
        Shape of the network's output.
    labels : Labels or None
        The classes, for "class" and "binary".
    flat : bool
        Whether numbers came as (rows,) and predictions should, too.
    shift, scale : tuple of float
        Numbers are trained on as ``(y - shift) / scale``, each output with its own; empty tuples leave them alone.
    """

    kind: str
    outputs: tuple[int, ...]
    labels: Labels | None = None
    flat: bool = False
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @classmethod
    def learn(cls, y: np.ndarray, kind: str, outputs: tuple[int, ...], loss: Any, standardize: bool = False) -> Targets:
        """Learn the encoding from the training targets; refuse what doesn't fit the network's outputs."""
        if kind in ("class", "binary"):
            labels = Labels.fit(_in_shape(y, outputs, loss))
            known = len(labels.classes)
            if kind == "binary":
                if known > 2:
                    raise InputError(
                        f"{loss} needs two classes, the targets have {known} ({_some(labels.classes)}); "
                        'use loss="cross_entropy" and one output a class'
                    )
                expected: int = 1
            else:
                expected = known
            if outputs[-1] < expected or (kind == "binary" and outputs != (1,)):
                raise ShapeError(
                    f"the targets have {known} classes ({_some(labels.classes)}), which need {expected} "
                    f"output{'s' if expected > 1 else ''} for {loss}; the network has outputs of shape {outputs}: "
                    f"end it with bl.Linear({expected}){_or_amounts(labels.classes)}"
                )
            return cls(kind, outputs, labels)
        flat = y.ndim == 1 and outputs == (1,)
        if (y[:, None] if flat else y).shape[1:] != outputs:
            raise ShapeError(
                f"targets of shape {y.shape} don't fit the network's outputs of shape "
                f"(rows, {', '.join(map(str, outputs))}); "
                f"end the network with {y.shape[1] if y.ndim > 1 else 1} output(s)"
            )
        if not standardize:
            return cls(kind, outputs, None, flat)
        numbers = y.reshape(len(y), -1).astype(np.float64)
        scale = numbers.std(axis=0)
        shift = tuple(numbers.mean(axis=0).tolist())
        return cls(kind, outputs, None, flat, shift, tuple(np.where(scale > 0, scale, 1.0).tolist()))

    def encode(self, y: np.ndarray, dtype: str) -> np.ndarray:
        """Targets as the loss takes them."""
        if self.labels is not None and len(self.outputs) > 1:
            real = _real(y)
            codes = np.full(y.shape, PADDING, np.int32)
            codes[real] = self.labels.encode(y[real])
            return codes
        if self.labels is not None:
            codes = self.labels.encode(y[:, 0] if y.ndim == 2 else y)
            return codes.astype(np.int32) if self.kind == "class" else codes.astype(dtype)[:, None]
        encoded = y[:, None] if y.ndim == 1 and self.outputs == (1,) else y
        if encoded.shape[1:] != self.outputs:
            raise ShapeError(f"targets must have shape (rows, {', '.join(map(str, self.outputs))}), got {y.shape}")
        if self.scale:
            encoded = (encoded - self._unit(self.shift)) / self._unit(self.scale)
        with np.errstate(over="ignore"):
            cast = encoded.astype(dtype, copy=False)
        if not np.isfinite(cast).all():
            place = np.argwhere(~np.isfinite(cast))[0]
            raise InputError(
                f"targets: row {place[0]} is {y[tuple(place[: y.ndim])]}, too large for {dtype}; divide them by a "
                "number, or train with dtype='float64'"
            )
        return cast

    def own_unit(self, values: np.ndarray) -> np.ndarray:
        """Outputs or encoded targets in the unit that the targets came in."""
        return values * self._unit(self.scale) + self._unit(self.shift) if self.scale else values

    def shrunk(self, share: float) -> Targets:
        """Targets whose outputs stand for a share of the numbers that they stood for."""
        scale = self.scale or (1.0,) * (int(np.prod(self.outputs)) or 1)
        shift = self.shift or (0.0,) * len(scale)
        return replace(self, shift=tuple(share * one for one in shift), scale=tuple(share * one for one in scale))

    def _unit(self, values: tuple[float, ...]) -> np.ndarray:
        return np.array(values).reshape(self.outputs)

    def probabilities(self, outputs: np.ndarray, activation: str | None) -> np.ndarray:
        """Raw outputs as probabilities: (rows, classes)."""
        if activation == "identity":
            return outputs
        if activation == "softmax":
            return softmax(outputs, axis=-1)
        if activation == "sigmoid":
            p = sigmoid(outputs)
            return np.concatenate([1 - p, p], axis=1) if self.kind == "binary" else p
        if self.kind in ("class", "binary", "multi_label"):
            raise InputError("this loss gives scores, no probabilities; train with cross_entropy to have them")
        raise InputError("a network trained on numbers predicts numbers, no probabilities; use predict")

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Raw outputs as predictions: labels, 0 or 1 a label, or numbers."""
        if self.kind == "class" and self.labels is not None:
            return self.labels.at(outputs[..., : len(self.labels.classes)].argmax(axis=-1))
        if self.kind == "binary" and self.labels is not None:
            return self.labels.decode((outputs[:, 0] > 0).astype(np.int32))
        if self.kind == "multi_label":
            return (outputs > 0).astype(np.int32)
        outputs = self.own_unit(outputs)
        return outputs[:, 0] if self.flat else outputs

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        labels = self.labels.to_dict() if self.labels else None
        rest = {"flat": self.flat, "shift": list(self.shift), "scale": list(self.scale)}
        return {"kind": self.kind, "outputs": list(self.outputs), "labels": labels, **rest}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Targets:
        """The inverse of `to_dict`."""
        made = cls(**parts(cls, data))
        if made.kind not in KINDS:
            raise unknown("kind of targets", made.kind, KINDS)
        count = int(np.prod(made.outputs))
        if {len(made.shift), len(made.scale)} - {0, count} or len(made.shift) != len(made.scale):
            raise InputError(f"targets: expected {count} shifts and scales, as there are outputs")
        if not np.isfinite(made.shift + made.scale).all() or 0 in made.scale:
            raise InputError("targets: shifts and scales must be finite, and no scale 0")
        if (made.labels is None) == (made.kind in ("class", "binary")):
            raise InputError(f"targets of kind {made.kind!r} {'need' if made.labels is None else 'have no'} classes")
        if made.labels and len(made.labels.classes) > (2 if made.kind == "binary" else made.outputs[-1]):
            raise InputError(f"targets: {len(made.labels.classes)} classes are too many for outputs {made.outputs}")
        return made


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
        return as_texts([self.text(row) for row in outputs.argmax(axis=-1)])

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
        tokenizer = tokenizer_from(fitted(dict[str, Any], data.get("tokenizer"), "tokenizer"))
        return cls(tokenizer, fitted(int, data.get("steps"), "steps"))


def _in_shape(y: np.ndarray, outputs: tuple[int, ...], loss: Any) -> np.ndarray:
    """All targets, (n,), if they have the shape that the outputs need; of sequences those that aren't padding."""
    if len(outputs) == 1:
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            several = "; for several yes-or-no targets a row use loss='multi_label_cross_entropy'"
            hint = several if loss.target == "binary" and y.ndim == 2 else ""
            raise ShapeError(f"{loss} needs one class a row, targets of shape (rows,), got {y.shape}{hint}")
        return y
    if y.shape[1:] != outputs[:-1]:
        raise ShapeError(
            f"the network's outputs of shape (rows, {', '.join(map(str, outputs))}) need targets of shape "
            f"(rows, {', '.join(map(str, outputs[:-1]))}), a class for each step, got {y.shape}; fill up shorter "
            'sequences with -1 or "", or leave out return_sequences for one class a row'
        )
    real = _real(y)
    if not real.any():
        raise InputError(f"{loss}: every target is padding (-1 or an empty text)")
    return y[real]


def _real(y: np.ndarray) -> np.ndarray:
    """Which targets of sequences aren't padding."""
    real: np.ndarray = y != ("" if is_text(y) else PADDING)
    return real


def _or_amounts(classes: Any) -> str:
    """What to do if whole numbers aren't meant as classes."""
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in classes):
        return ""
    return ". If they are amounts rather than classes, pass y.astype(float), or loss='mean_squared_error'"


def is_one_hot(y: np.ndarray) -> bool:
    """Whether each row is zeros with one 1, as classes are written for other libraries.

    >>> is_one_hot(np.array([[0.0, 1.0], [1.0, 0.0]])), is_one_hot(np.array([[1.0, 1.0]]))
    (True, False)
    """
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "fiub":
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def _some(classes: Any) -> str:
    shown = ", ".join(str(c) for c in classes[:5])
    return shown if len(classes) <= 5 else f"{shown}, …"
