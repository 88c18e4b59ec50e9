"""Pictures as matplotlib figures: returned, never shown by surprise."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from backlit.errors import ZeroGradientWarning

_KOREAN_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Nanum Gothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
)
# Told apart in greyscale and by colour-blind people (Okabe & Ito's blue and orange), and by line style.
_TRAINING = {"color": "#0072B2", "linestyle": "-"}
_VALIDATION = {"color": "#D55E00", "linestyle": "--"}


@functools.cache
def _korean_font() -> str | None:
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _KOREAN_FONTS if name in installed), None)


def label(text: str) -> str:
    """A label that can be drawn: characters that no installed font has become "?", so that no empty boxes appear."""
    if all(ord(character) < 0x1100 for character in text) or _korean_font():
        return text
    return "".join(character if ord(character) < 0x1100 else "?" for character in text)


def figure(rows: int = 1, columns: int = 1, width: float = 6.4, height: float = 4.0) -> tuple[Any, Any]:
    """A figure with axes that belongs to nobody's window: (figure, axes or array of axes)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    font = _korean_font()
    with rc_context({"font.family": [font, "DejaVu Sans"]} if font else {}):
        made = Figure(figsize=(width, height), layout="constrained", dpi=120)
        axes = made.subplots(rows, columns)
    for axis in np.ravel(axes):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    return made, axes


def learning_curves(history: Any, best_epoch: int | None = None) -> Any:
    """Loss and metrics over the epochs, training and validation, the best epoch marked.

    Parameters
    ----------
    history : list of dict
        As `Run.history`.
    best_epoch : int, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    known = [key for key in (history[-1] if history else {}) if key not in ("epoch", "seconds", "penalty")]
    names = [key for key in known if not key.startswith("val_")] or ["loss"]
    made, axes = figure(1, len(names), width=4.6 * len(names) + 0.6, height=3.6)
    epochs = [record["epoch"] for record in history]
    marker = "o" if len(epochs) == 1 else None
    for axis, name in zip(np.ravel(axes), names, strict=True):
        axis.set(xlabel="epoch", title=label(name))
        for key, style, who in ((name, _TRAINING, "training"), (f"val_{name}", _VALIDATION, "validation")):
            if history and key in history[-1]:
                axis.plot(epochs, [record[key] for record in history], label=who, marker=marker, **style)
        if best_epoch:
            axis.axvline(best_epoch, color="0.4", linewidth=0.8, linestyle=":", label=f"best: epoch {best_epoch}")
        values = [record[name] for record in history]
        if name == "loss" and values and min(values) > 0 and max(values) > 30 * min(values):
            axis.set_yscale("log")
        if history:
            axis.legend(frameon=False)
    return made


def range_test(test: Any) -> Any:
    """Loss against learning rate, the suggestion marked; `test` is what `lr_find` returns."""
    made, axis = figure()
    axis.plot(test.rates, test.losses, color="0.75", linewidth=1, label="each step")
    axis.plot(test.rates, test.smoothed, label="smoothed", **_TRAINING)
    axis.axvline(test.suggestion, label=f"suggested: {test.suggestion:.2g}", **_VALIDATION)
    top = max(float(test.smoothed[0]), float(np.median(test.smoothed))) * 1.3
    low = float(min(test.losses.min(), test.smoothed.min()))
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - 0.05 * (top - low), top))
    axis.legend(frameon=False)
    return made


def importance(found: Any, most: int = 20) -> Any:
    """The most important columns as bars, with their spread over the shuffles; `found` is what `importance` returns."""
    rows = found.rows[:most][::-1]
    made, axis = figure(height=1.2 + 0.28 * len(rows))
    names = [label(row["column"]) for row in rows]
    spread = [row["spread"] for row in rows]
    axis.barh(range(len(rows)), [row["lost"] for row in rows], xerr=spread, color=_TRAINING["color"], ecolor="0.4")
    axis.set_yticks(range(len(rows)), names)
    axis.set(xlabel=f"{found.measure} lost when the column is shuffled (of {found.score:.3f})")
    axis.grid(visible=False, axis="y")
    return made


def reliability(calibration: dict[str, Any]) -> Any:
    """Accuracy against confidence, bin by bin, with the rows in each; `calibration` is a judgement's."""
    bins = calibration["bins"]
    made, (axis, below) = figure(2, 1, width=4.6, height=5.0)
    confidence = [b["confidence"] for b in bins]
    axis.plot([0, 1], [0, 1], color="0.5", linewidth=0.8, linestyle=":", label="honest")
    axis.plot(confidence, [b["accuracy"] for b in bins], marker="o", label="network", **_TRAINING)
    axis.set(ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.set_title(f"calibration error {calibration['error']:.3f}", fontsize=10)
    axis.legend(frameon=False)
    below.bar(confidence, [b["rows"] for b in bins], width=0.06, color=_TRAINING["color"])
    below.set(xlabel="confidence: probability of the predicted class", ylabel="rows", xlim=(0, 1.02))
    return made


def activations(names: list[str] | None = None) -> Any:
    """Activation functions with their derivatives, small multiples.

    Parameters
    ----------
    names : list of str, optional
        As in `backlit.activations.FACTS`; all of them if left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from backlit.errors import unknown
    from backlit.graph.transforms import vjp
    from backlit.nn.activation_facts import FACTS

    chosen = [name for name in FACTS if name != "softmax"] if names is None else names
    for name in chosen:
        if name not in FACTS:
            raise unknown("activation", name, FACTS)
    columns = min(4, len(chosen))
    rows = -(-len(chosen) // columns)
    made, axes = figure(rows, columns, width=3.0 * columns, height=2.3 * rows)
    x = np.linspace(-4, 4, 402)  # leaves out 0, where some have a kink
    for axis, name in zip(np.ravel(axes), chosen, strict=False):
        facts = FACTS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)  # of a step: the picture shows it
            value, pull = vjp(facts.function, x)
            slope = pull(np.ones_like(x))[0]
        axis.plot(x, value, label="value", **_TRAINING)
        axis.plot(x, slope, label="derivative", **_VALIDATION)
        axis.set(title=name, ylim=(-2.0, 3.2))
        axis.axhline(0, color="0.7", linewidth=0.6)
        axis.axvline(0, color="0.7", linewidth=0.6)
    for axis in np.ravel(axes)[len(chosen) :]:
        axis.set_axis_off()
    np.ravel(axes)[0].legend(frameon=False, fontsize=8)
    return made
