"""PyTorch's losses: what they take, what the best constant answer costs by them; and its optimizers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.optim.adaptive import AdaGrad, Adam, AdamW, RMSprop
from backlit.optim.sgd import SGD
from backlit.optim.transform import Transform

_TAKES = {  # what a loss takes: kind of target, and what it applies to the outputs by itself
    "cross_entropy": ("class", "softmax"),
    "nll_loss": ("class", "log"),
    "binary_cross_entropy_with_logits": ("binary", "sigmoid"),
    "binary_cross_entropy": ("binary", "identity"),
    "mse_loss": ("number", None),
    "l1_loss": ("number", None),
    "smooth_l1_loss": ("number", None),
    "huber_loss": ("number", None),
    "gaussian_nll_loss": ("number", None),
    "poisson_nll_loss": ("number", None),
    "multi_margin_loss": ("class", None),
    "multilabel_soft_margin_loss": ("multi_label", "sigmoid"),
}
_MODULES = {
    "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll_loss", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "BCELoss": "binary_cross_entropy", "MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss", "GaussianNLLLoss": "gaussian_nll_loss", "PoissonNLLLoss": "poisson_nll_loss",
    "MultiMarginLoss": "multi_margin_loss", "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
}  # fmt: skip
FUNCTIONS = tuple(_TAKES)  # those that are listened to where no loss was named


@dataclass(frozen=True)
class TheirLoss:
    """A loss of another library, as far as the rules ask: see `backlit.nn.losses.base.Loss`."""

    name: str
    target: str
    activation: str | None
    known: bool = True

    def __repr__(self) -> str:
        return self.name


def told(loss_fn: Any, output: Any, target: Any) -> TheirLoss:
    """What is known of a loss from its name, and else from what it was called with."""
    name = getattr(loss_fn, "__name__", type(loss_fn).__name__)
    key = _MODULES.get(name, name)
    kind, own = _TAKES.get(key, ("number", None))
    if kind == "class" and target.is_floating_point():
        kind = "probability"
    if key == "binary_cross_entropy" or kind == "binary":
        kind = "binary" if output.ndim < 2 or output.shape[-1] == 1 else "multi_label"
    if key not in _TAKES and not target.is_floating_point() and output.ndim == target.ndim + 1:
        kind = "class"
    return TheirLoss(f"{name}()", kind, own, key in _TAKES)


def constant_losses(loss_fn: Any, told: TheirLoss, output: Any, y: np.ndarray, rows: int) -> list[float]:
    """What answers that are the same for all rows cost by the loss itself.

    Parameters
    ----------
    loss_fn : module or function
    told : TheirLoss
    output : tensor
        One that the network gave, whose type, device and shape without rows they have.
    y : array (rows, ...)
        Targets as the loss takes them.
    rows : int
        How many of them there are.
    """
    import torch

    target = torch.as_tensor(y, device=output.device)
    shape = (rows, *output.shape[1:])
    answers = []
    if told.target == "class":
        classes = output.shape[1] if output.ndim > 1 else 2
        shares = np.bincount(y[y >= 0].astype(int).reshape(-1), minlength=classes)[:classes] + 1e-9
        scores = np.log(shares / shares.sum()) if told.activation in ("softmax", "log") else shares / shares.sum()
        answers.append(scores.reshape(1, classes, *[1] * (output.ndim - 2)))
    elif told.target in ("binary", "multi_label"):
        share = np.clip(y.mean(axis=0, keepdims=True), 1e-6, 1 - 1e-6)
        answers.append(share if told.activation == "identity" else np.log(share / (1 - share)))
    elif told.target == "number" and y.shape == shape:
        answers += [y.mean(axis=0, keepdims=True), np.median(y, axis=0, keepdims=True)]
    elif told.target == "number" and y.size == rows:
        answers += [np.full((1,) * len(shape), middle(y)) for middle in (np.mean, np.median)]
        target = target.reshape(shape)
    found = []
    for answer in answers:
        guess = torch.as_tensor(np.broadcast_to(answer, shape).copy(), dtype=output.dtype, device=output.device)
        with torch.no_grad(), contextlib.suppress(Exception):  # a loss of the user's own may want anything
            value = loss_fn(guess, target)
            found.append(float(value.sum() if getattr(loss_fn, "reduction", "") == "sum" else value.mean()))
    return [value / rows for value in found] if getattr(loss_fn, "reduction", "mean") == "sum" else found


def optimizer_of(optimizer: Any, rate: float) -> tuple[Transform, float]:
    """An optimizer as Backlit has it, with its greatest rate, and the strength of its L2 penalty."""
    group = optimizer.param_groups[0]
    name, decay = type(optimizer).__name__, float(group.get("weight_decay") or 0.0)
    rate = max(rate, 0.0)
    if name == "AdamW" or (name == "Adam" and group.get("decoupled_weight_decay")):
        return AdamW(rate, weight_decay=decay), 0.0
    if name in ("Adam", "NAdam", "RAdam", "Adamax"):
        return Adam(rate), decay
    if name == "RMSprop":
        return RMSprop(rate), decay
    if name == "Adagrad":
        return AdaGrad(rate), decay
    momentum = float(group.get("momentum") or 0.0)
    return SGD(rate, momentum=momentum if momentum < 1 else 0.0), decay
