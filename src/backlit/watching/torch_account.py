"""What a watched training's losses, outputs and targets come to, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from backlit.train.probes.facts import most_rows
from backlit.watching import torch_losses as losses
from backlit.watching.ledger import Ledger, Rows

MOST_OUTPUTS = 262_144  # numbers of a batch's outputs that are scored
PENDING = 2_000_000  # numbers of outputs that wait for it
DELAY = 20  # losses on an accelerator that are asked for at once: asking for each would hold it up


class Account:
    """Sums of losses and scores by epoch, and the rows that are kept of the first one.

    Parameters
    ----------
    on_bad : callable
        Called when a training loss is NaN or infinite.

    Attributes
    ----------
    ledger : Ledger
    loss : TheirLoss or None
        What the loss is, once it was called.
    output : tensor or None
        The first output, of which shape and type are asked for.
    rows : dict of Rows
        Kept inputs and targets: of training "", of what is held out "val_".
    """

    def __init__(self, on_bad: Callable[[], None]) -> None:
        self.on_bad = on_bad
        self.ledger = Ledger()
        self.loss: losses.TheirLoss | None = None
        self.output: Any = None
        self.rows = {"": Rows(), "val_": Rows()}
        self._summed = False  # over the rows of a batch, rather than their mean
        self._waiting: list[tuple[str, Any, int]] = []
        self._outputs: list[tuple[str, Any, Any, int]] = []
        self._stashed = 0

    def know(self, loss_fn: Any, output: Any, target: Any) -> None:
        """Find out what the loss is, from its first call."""
        if self.loss is None:
            self.loss = losses.told(loss_fn, output, target)
            self.output = output.detach()[:1].clone()
        self._summed = getattr(loss_fn, "reduction", "mean") == "sum"

    def keep(self, part: str, x: Any, target: Any, rows: int) -> None:
        """Keep a batch's rows, while there is room."""
        kept = self.rows[part]
        if not kept.most and x is not None:
            kept.most = most_rows(x.numel() // max(1, rows))
        kept.seen += rows
        if not kept.wants():
            return
        given = None
        if x is not None and rows in x.shape[:2]:
            given = x.detach() if x.shape[0] == rows else x.detach().transpose(0, 1)
        room = kept.most - kept.kept
        whole = lambda a: np.array((a.float() if a.dtype == torch.bfloat16 else a).cpu().numpy())  # noqa: E731
        kept.add(None if given is None else whole(given[:room]), whole(target.detach()[:room]))

    def stash(self, part: str, output: Any, target: Any, rows: int) -> None:
        """Outputs and targets that are scored later, together."""
        numbers = output.numel()
        if target.numel() > MOST_OUTPUTS or not output.is_floating_point():
            return
        if numbers > MOST_OUTPUTS:
            some = max(1, rows * MOST_OUTPUTS // numbers)
            output, target, numbers = output[:some], target[:some], MOST_OUTPUTS
        self._outputs.append((part, output.detach(), target, _version(output)))
        self._stashed += numbers
        if self._stashed > PENDING:
            self._score()

    def add(self, part: str, loss: Any, rows: int) -> None:
        """A batch's loss: at once, or, where it would have to be waited for, with others."""
        if loss.is_cpu:
            self._count(part, loss, rows)
            return
        self._waiting.append((part, loss, rows))
        if len(self._waiting) >= DELAY:
            self._settle()

    def settle(self) -> None:
        """All that was put off."""
        self._settle()
        self._score()

    def close(self) -> None:
        """The epoch is over."""
        self.settle()
        self.ledger.close(self.loss.target if self.loss else "")

    def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._count(*each)

    def _count(self, part: str, loss: Any, rows: int) -> None:
        value = float(loss) if loss.ndim == 0 else float(loss.float().mean())
        if self._summed:
            value /= max(1, rows)
        if not part and not np.isfinite(value):
            self.on_bad()
        self.ledger.loss(part, value, rows)

    def _score(self) -> None:
        """Outputs that were waited for, beside their targets."""
        waiting, self._outputs, self._stashed = self._outputs, [], 0
        if self.loss is None:
            return
        kind, middle = self.loss.target, 0.5 if self.loss.activation == "identity" else 0.0
        alike: dict[Any, list[tuple[Any, Any]]] = {}
        for part, output, target, version in waiting:
            if _version(output) == version:  # else it was changed in place since then
                alike.setdefault((part, output.shape[1:], target.shape[1:]), []).append((output, target))
        for (part, *_), pairs in alike.items():
            output, target = (
                torch.cat(each) if each[0].ndim else torch.stack(each) for each in zip(*pairs, strict=True)
            )
            given = output.movedim(1, -1) if kind == "class" and output.ndim > 2 else output
            self.ledger.outputs(part, kind, _array(given), _array(target), middle)


def _version(tensor: Any) -> int:
    """How often a tensor was changed in place; of inference, where that isn't counted, 0."""
    return 0 if tensor.is_inference() else int(tensor._version)


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(
        (tensor.detach().float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor.detach()).cpu().numpy()
    )
