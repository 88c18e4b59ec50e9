"""Tables of numbers as shades of one colour, with the numbers in them: confusion and attention."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.inspect.plots.style import figure, given, picture, tidy

_MOST_NUMBERS = 400  # more don't fit into a picture's cells
_MOST_NAMES = 60


@picture
def confusion(judgement: Any, classes: Sequence[Any] | None = None) -> Any:
    """How rows of each class were called: the diagonal is right.

    Each cell has the number of rows; its shade is their share of the true class's rows, so that rare classes show as
    well as frequent ones.

    Parameters
    ----------
    judgement : dict or array (classes, classes)
        `Run.judgement`, or counts with true classes down and predicted ones across.
    classes : sequence, optional
        The classes' names; a judgement has its own.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the judgement isn't one of classes, or the counts are negative.
    ShapeError
        If the matrix isn't square, or has another number of classes than there are names.

    Examples
    --------
    >>> import backlit as bl
    >>> figure = bl.plots.confusion([[48, 2], [5, 45]], ["cat", "dog"])
    >>> figure.axes[0].get_title()
    '93 of 100 rows right (93.0 %)'
    """
    if isinstance(judgement, Mapping):
        if judgement.get("confusion") is None:
            raise InputError(
                "this judgement has no confusion matrix: only runs that predict classes, up to 1,000, have one"
            )
        classes = [row["class"] for row in judgement["classes"]] if classes is None else classes
        judgement = judgement["confusion"]
    elif judgement is None:
        raise InputError("there is no judgement: a run has one if it came from a table; or give a matrix of counts")
    counts = np.asarray(judgement)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError(f"a confusion matrix has as many rows as columns, got shape {counts.shape}")
    if counts.dtype.kind not in "iuf" or not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("a confusion matrix has counts, numbers of at least 0")
    n = len(counts)
    names = _names("classes", range(n) if classes is None else classes, n)
    of_class = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, of_class, out=np.zeros(counts.shape), where=of_class > 0)
    size = max(3.4, min(12.0, 1.6 + 0.5 * n))
    chart, axis = figure(width=size + 1.1, height=size)
    shades = _shades(axis, shares, names, names, [[f"{c:g}" if c else "·" for c in line] for line in counts], 1.0)
    right, total = np.trace(counts), counts.sum()
    axis.set(xlabel="predicted", ylabel="true class")
    share = f" ({100 * right / total:.1f} %)" if total else ""
    axis.set_title(f"{right:g} of {total:g} rows right{share}", fontsize=10)
    chart.colorbar(shades, ax=axis, label="share of the true class's rows", shrink=0.8)
    return chart


@picture
def attention(weights: Any, sources: Sequence[Any] | None = None, targets: Sequence[Any] | None = None) -> Any:
    """Where each output step looked: a row of weights for each target, one column for each source.

    Parameters
    ----------
    weights : array (targets, sources), or (heads, targets, sources)
        As `dot_attention` and `AdditiveAttention` return for one example; one picture a head.
    sources, targets : sequence of labels, optional
        Letters or words; numbers if left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        If there are more or fewer labels than weights, or the weights have other axes.
    InputError
        If weights are negative or not finite.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> figure = bl.plots.attention(np.eye(3)[::-1], "abc", "cba")
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['c', 'b', 'a']
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim not in (2, 3) or not weights.size:
        raise ShapeError(
            f"attention weights have shape (targets, sources) or (heads, targets, sources), got {weights.shape}; "
            "take one example of a batch"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError("attention weights are shares, numbers of at least 0; negative or infinite ones came")
    heads = weights if weights.ndim == 3 else weights[None]
    down = _names("targets", range(heads.shape[1]) if targets is None else targets, heads.shape[1])
    across = _names("sources", range(heads.shape[2]) if sources is None else sources, heads.shape[2])
    rows, columns = tidy(len(heads))
    width, height = (max(2.2, min(9.0, 0.9 + 0.34 * n)) for n in heads.shape[:0:-1])
    chart, axes = figure(rows, columns, width=width * columns + 0.8, height=(height + 0.3) * rows)
    few = heads.shape[1] * heads.shape[2] <= 64
    for i, (axis, head) in enumerate(zip(np.ravel(axes), heads, strict=False)):
        numbers = [[f"{w:.2f}".lstrip("0") if w >= 0.005 else "" for w in line] for line in head]
        shades = _shades(axis, head, across, down, numbers if few else None, max(1.0, float(heads.max())))
        if len(heads) > 1:
            axis.set_title(f"head {i}", fontsize=10)
    for axis in np.ravel(axes)[len(heads) :]:
        axis.set_axis_off()
    first = np.ravel(axes)[0]
    first.set(xlabel="source", ylabel="target")
    chart.colorbar(shades, ax=np.ravel(axes).tolist(), label="weight", shrink=0.8)
    return chart


def _names(what: str, labelled: Sequence[Any], count: int) -> list[str]:
    names = [given("␣" if str(name).isspace() else name) for name in labelled]
    if len(names) != count:
        raise ShapeError(f"there are {len(names)} labels of {what}, and {count} of them in the matrix")
    return names


def _width(text: str) -> int:
    """Columns that a text takes; Hangul and its neighbours are twice as wide as Latin letters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _shades(
    axis: Any, values: np.ndarray, across: list[str], down: list[str], numbers: list[list[str]] | None, most: float
) -> Any:
    """A table of shades from 0, white, to `most`, with texts in its cells."""
    shades = axis.imshow(values, cmap="Blues", vmin=0.0, vmax=most, aspect="auto")
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    for put, names in ((axis.set_xticks, across), (axis.set_yticks, down)):
        every = -(-len(names) // _MOST_NAMES)
        put(range(0, len(names), every), names[::every])
    if max(map(_width, across)) > 3 and len(across) > 4:
        axis.tick_params(axis="x", rotation=60)
    if numbers is not None and values.size <= _MOST_NUMBERS:
        for (i, j), value in np.ndenumerate(values):
            colour = "white" if value > 0.55 * most else "black"
            axis.text(j, i, numbers[i][j], ha="center", va="center", color=colour, fontsize=8)
    return shades
