"""`LightningWatch`: the doctor in Lightning's training loop, as a callback."""

from __future__ import annotations

import functools
from typing import Any

from backlit.errors import InputError
from backlit.extras import need
from backlit.watching.asked import Asked
from backlit.watching.plan import Plan


class LightningWatch:
    """A callback for Lightning's Trainer that watches the training as `backlit.watch` does.

    The loss is seen by whoever calls it in ``training_step``: one of PyTorch's, or the one named here.

    Parameters
    ----------
    loss_fn : torch.nn.Module or function, optional
        That ``training_step`` and ``validation_step`` call with outputs and targets; PyTorch's own, if left out.
    every : int, optional
        Updates between looks, where their cost shouldn't decide.

    Raises
    ------
    InputError
        If Lightning isn't installed.

    Examples
    --------
    ::

        eye = bl.LightningWatch()
        lightning.Trainer(max_epochs=20, callbacks=[eye]).fit(module, loader)
        print(eye.diagnose())
        eye.report("report.html")
    """

    def __new__(cls, loss_fn: Any = None, *, every: int | None = None) -> Any:
        """An instance of a subclass of Lightning's own Callback."""
        return _callback_class()(loss_fn, every)


@functools.cache
def _callback_class() -> Any:
    why = "watching a training in Lightning"
    try:
        base = need("lightning.pytorch", extra="torch", why=why).Callback
    except InputError:
        try:  # its older name
            base = need("pytorch_lightning", extra="torch", why=why).Callback
        except InputError:
            raise InputError(f"{why} needs another package: pip install lightning") from None

    class Watching(Asked, base):  # type: ignore[misc, valid-type]
        """What the Trainer calls."""

        unseen = "no training was seen: give the callback to a Trainer, and fit"

        def __init__(self, loss_fn: Any, every: int | None) -> None:
            self.loss_fn, self.every = loss_fn, every

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            from backlit.watching.torch_eye import TorchEye, optimizers_of

            plan, optimizers = Plan(self.every), optimizers_of(trainer.optimizers)
            self.eye = TorchEye(pl_module, self.loss_fn, optimizers, plan, "lightning")
            self.eye.__enter__()

        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            self._begin(batch)

        def on_validation_batch_start(
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
        ) -> None:
            if self.eye is not None and not dataloader_idx:
                self._begin(batch)

        def _begin(self, batch: Any) -> None:
            from backlit.watching.torch_look import first_tensor

            self.eye.begin(first_tensor(batch))

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self.eye.epoch()

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self.eye.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            if self.eye is not None:
                self.eye.close()

    return Watching
