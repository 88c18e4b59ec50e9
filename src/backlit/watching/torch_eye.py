"""What watches a training loop in PyTorch: hooks on the network, the loss, the optimizers and the data loaders."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import torch

from backlit.errors import InputError
from backlit.train.divergence import Divergence
from backlit.watching import torch_facts as facts
from backlit.watching import torch_losses as losses
from backlit.watching.eye import Eye, Watched
from backlit.watching.intercept import Listener
from backlit.watching.plan import Plan
from backlit.watching.torch_account import Account
from backlit.watching.torch_epochs import Epochs, listen
from backlit.watching.torch_look import PASSES, Look, first_tensor
from backlit.watching.torch_peek import peek

MOST_LOOKS = 400  # kept; beyond it every other one is dropped


class TorchEye(Eye):
    """Watches a training: see `backlit.watch`.

    Attributes
    ----------
    account : Account
        What losses, outputs and targets come to.
    looks : list of dict
        Records of looks, as `backlit.ProbeHistory` has them.
    step : int
        Updates so far.
    """

    def __init__(self, model: Any, loss_fn: Any, optimizers: tuple[Any, ...], plan: Plan, library: str = "torch"):
        self.library = library
        self.driven = library != "torch"  # passes are told by who calls `begin`, rather than by the model's hooks
        self.model, self.loss_fn, self.optimizers, self.plan = model, loss_fn, optimizers, plan
        self.compiled = isinstance(model, torch._dynamo.eval_frame.OptimizedModule)
        self.inner = model._orig_mod if self.compiled else model
        self.account, self.epochs = Account(self._bad), Epochs()
        self.looks: list[dict[str, Any]] = []
        self.step = 0
        self.first: Look | None = None  # the first look, which knows how layers follow one another
        self.start_params: dict[str, np.ndarray] = {}
        self.batch = 0
        self.diverged: Divergence | None = None
        self.rate = 0.0
        self.uncleared: list[bool] = []
        self.broadcast: dict[str, Any] | None = None
        self.passes = [0, 0]  # of training: in all, and those in evaluation mode
        self._training, self._ever_trained, self._busy, self._counts = False, False, False, True
        self._look: Look | None = None
        self._due: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._evaluating, self._could_train, self._by_gradient, self._evaluations = False, False, False, 0
        self._x: Any = None
        self._call: Any = None
        self._value: Any = None  # the last loss
        self._before: dict[str, Any] = {}
        self._numbers: dict[str, dict[str, Any]] = {}
        self._measured, self._params = False, dict[str, Any]()
        self._first_loss: float | None = None  # of the update that a look measures
        self._backwards = 0
        self._stop: list[Any] = []
        self._over: Watched | None = None

    # ------------------------------------------------------------------------------------------ on and off

    def __enter__(self) -> Self:
        if self._stop:
            raise InputError("this training is being watched already")
        try:
            self._attach()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _attach(self) -> None:
        model = self.model
        self.start_params = facts.arrays(self.inner)
        if not self.driven:
            self._stop.append(model.register_forward_pre_hook(self._enter_model, with_kwargs=True).remove)
            self._stop.append(model.register_forward_hook(self._leave_model, with_kwargs=True, always_call=True).remove)
            self._stop.append(listen(self.epochs.restarted))
        self.listen_to_losses()
        for optimizer in self.optimizers:
            self.listen_to(optimizer)

    def listen_to_losses(self) -> None:
        """Hooks on the loss; without one, on PyTorch's own functions, which its modules call as well."""
        if isinstance(self.loss_fn, torch.nn.Module):
            hook = lambda module, args, kwargs, value: self._called(args, kwargs, value)  # noqa: E731
            before = lambda module, args, kwargs: self._calling(args, kwargs)  # noqa: E731
            self._stop.append(self.loss_fn.register_forward_pre_hook(before, with_kwargs=True).remove)
            self._stop.append(self.loss_fn.register_forward_hook(hook, with_kwargs=True).remove)
        elif self.loss_fn is not None:
            self._stop.append(Listener(self.loss_fn, self._calling, self._called).close)
        else:
            for name in losses.FUNCTIONS:
                function = getattr(torch.nn.functional, name)
                self._stop.append(Listener(function, self._calling, self._named(function)).close)

    def _named(self, function: Any) -> Any:
        def called(args: Any, kwargs: Any, value: Any) -> None:
            if self.loss_fn is None:
                self.loss_fn = function
            self._called(args, kwargs, value)

        return called

    def listen_to(self, optimizer: Any) -> None:
        """Hooks on an optimizer."""
        self._stop.append(optimizer.register_step_pre_hook(self._before_step).remove)
        self._stop.append(optimizer.register_step_post_hook(self._after_step).remove)

    def close(self) -> None:
        """All hooks away, and the epoch that was open closed."""
        while self._stop:
            self._stop.pop()()
        if self._look is not None and self._look.running:
            self._look.end(None)
        self._close_epoch()

    def epoch(self) -> None:
        """An epoch is over. Only for loops of which nothing tells: see the page "The doctor in your own loop"."""
        self.epochs.said()
        self._close_epoch()

    # ------------------------------------------------------------------------------------------ passes forward

    def _enter_model(self, module: Any, args: Any, kwargs: Any) -> None:
        if not self._busy:
            plain = bool(args) and isinstance(args[0], torch.Tensor)
            self.begin(args[0] if plain else first_tensor((args, tuple(kwargs.values()))), (args, kwargs))

    def begin(self, x: Any, call: Any = None) -> None:
        """A pass begins, with this input."""
        mode = bool(self.inner.training)
        self._ever_trained |= mode
        self._training = torch.is_grad_enabled() and (mode or self._by_gradient or not self._ever_trained)
        self._could_train = torch.is_grad_enabled()
        self._x, self._call = x, call
        if not self._training:
            held = self.epochs.evaluating()
            if held and not self._evaluating:
                self.account.ledger.fresh("val_")
                self._evaluations += 1
            self._evaluating, self._counts = held, held
            return
        self._evaluating, self._counts = False, True
        if self.epochs.training(x) and self.account.ledger.begun:
            self._close_epoch()
        self.passes[0] += 1
        self.passes[1] += not mode
        if self._look is None and self.plan.due(self.step):
            self._look = Look(self.inner)
        if self._look is not None and not self.compiled and self._look.passes < PASSES:
            self._look.begin()

    def _leave_model(self, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        if self._busy:
            return
        look = self._look
        if look is not None and look.running:
            look.end(output)
        elif look is not None and self._training and self.compiled and look.passes < PASSES:
            self._busy = True
            try:
                peek(self.inner, look, args, kwargs)
            finally:
                self._busy = False

    def _calling(self, args: Any, kwargs: Any) -> None:
        """The loss is about to be called: where nothing else tells, the pass forward is over."""
        if self.driven and self._look is not None and self._look.running:
            self._look.end(first_tensor((args, tuple(kwargs.values()))))

    def _called(self, args: Any, kwargs: Any, value: Any) -> None:
        """The loss was called."""
        if self._busy or not isinstance(value, torch.Tensor):
            return
        tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
        if len(tensors) < 2:
            return
        output, target = tensors[:2]
        training = self._training and value.requires_grad
        if not training and not self._counts:
            return
        part = "" if training else "val_"
        rows = target.shape[0] if target.ndim else 1
        self.account.know(self.loss_fn, output, target)
        if training:
            self.batch = self.batch or rows
            self._misshapen(output, target)
            self._value = value.detach()
            if self._look is not None:
                self._look.rows += rows
                value.register_hook(self._seeded(rows))
        if not ((self._evaluations > 1) if part else self.account.ledger.epoch):  # of the first epoch alone
            self.account.keep(part, self._x, target, rows)
        self.account.stash(part, output, target, rows)
        self.account.add(part, value.detach(), rows)

    def _misshapen(self, output: Any, target: Any) -> None:
        """Outputs (rows, 1) beside targets (rows,), which PyTorch only warns of."""
        if (
            self.broadcast is not None
            or (loss := self.account.loss) is None
            or loss.target != "number"
            or output.shape == target.shape
        ):
            return
        try:
            together = torch.broadcast_shapes(output.shape, target.shape)
        except RuntimeError:
            return
        times = math.prod(together) / max(1, output.numel(), target.numel())
        if loss.known and times > 1:
            self.broadcast = {"outputs": output.shape, "targets": target.shape, "times": times}

    def _seeded(self, rows: int) -> Any:
        """A hook on the loss: backward has begun, with this factor (of a scaler, or of accumulated batches)."""
        look, step = self._look, self.step

        def begun(gradient: Any) -> None:
            if look is not None:
                look.scales.append(float(gradient.sum()))
            if self._backwards == 0 and step:
                groups = self.optimizers[0].param_groups
                known = next((p.grad for group in groups for p in group["params"] if p.grad is not None), None)
                self.uncleared.append(known is not None and bool(known.any()))
            self._backwards += 1

        return begun

    def _bad(self) -> None:
        """Name the first value that is NaN or infinite, before the update that spreads it."""
        if self.diverged is not None:
            return
        kind, path = "loss", str(self.account.loss)
        bad = next((name for name, p in self.inner.named_parameters() if not bool(torch.isfinite(p).all())), None)
        if self._x is not None and self._x.is_floating_point() and not bool(torch.isfinite(self._x).all()):
            kind, path = "inputs", ""
        elif bad is not None:
            kind, path = "parameter", bad
        elif self._call is not None:
            look = Look(self.inner)
            look.hunting = True
            self._busy = True
            try:
                peek(self.inner, look, *self._call)
            finally:
                self._busy = False
            if look.bad is not None:
                kind, path = "layer", look.bad
        if self._look is not None:
            self._look.drop_last()
        self.diverged = Divergence(kind, path, self.account.ledger.epoch + 1, self.step + 1)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------------ updates

    def _before_step(self, optimizer: Any, *_: Any) -> None:
        if optimizer is self.optimizers[0]:
            self.rate = max(self.rate, *(float(group.get("lr", 0.0)) for group in optimizer.param_groups))
        if self._look is None or self._measured:
            return
        own = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, parameter in self.inner.named_parameters():
            if id(parameter) in own:
                self._before[name] = parameter.detach().clone()

    def _after_step(self, optimizer: Any, *_: Any) -> None:
        if self._before and not self._measured and self._look is not None:
            self._measure(self._look, optimizer)
        if optimizer is not self.optimizers[-1]:  # the others stepped before it
            return
        look = self._look
        if look is not None and look.passes:
            if not self._measured:
                self._params = self._params_numbers(look)
                self._first_loss = self._mean_loss()
                self._measured, self._before, self._numbers = True, {}, {}
            if look.enough:
                self._finish(look)
        self._by_gradient |= self._could_train and not self._training  # trained, though in evaluation mode
        self._backwards = 0
        self.step += 1
        self.epochs.updated()

    def _measure(self, look: Look, optimizer: Any) -> None:
        """Gradients, which a closure makes only within the step, and how far the step moved the parameters."""
        rate = float(optimizer.param_groups[0].get("lr", 0.0))
        with torch.no_grad():
            for name, parameter in self.inner.named_parameters():
                if name not in self._before or name in self._numbers:
                    continue
                before = self._before.pop(name)
                numbers = look.param_numbers(name, before, parameter.grad)
                moved = float(torch.linalg.vector_norm(parameter.detach() - before, dtype=torch.float64))
                moved = moved or rate * (numbers.get("gradient_norm") or 0.0)  # less than a weight's last digit
                if numbers["norm"]:
                    numbers["update_ratio"] = moved / numbers["norm"]
                self._numbers[name] = numbers

    def _params_numbers(self, look: Look) -> dict[str, Any]:
        """Numbers of all parameters at the first update of a look."""
        known = {id(p) for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]}
        params = {}
        for name, parameter in self.inner.named_parameters():
            numbers = self._numbers.get(name) or look.param_numbers(name, parameter, parameter.grad)
            if id(parameter) not in known:
                numbers["update_ratio"] = 0.0
            params[facts.path_of(self.inner, name)] = numbers
        return facts.plain_numbers(params)

    def _mean_loss(self) -> float | None:
        if self._value is None:
            return None
        summed = getattr(self.loss_fn, "reduction", "mean") == "sum"
        loss = float(self._value.float().mean()) / (self.batch if summed else 1)
        return loss if math.isfinite(loss) else None

    def _finish(self, look: Look) -> None:
        """A look is over: its numbers as a record."""
        self._look = None
        if self.first is None:
            self.first = look
            self.plan.learn(**facts.work(self.inner, look, self.batch))
        self.looks.append(self._record(look))
        look.forget()
        self.plan.took(self.step)
        if len(self.looks) > MOST_LOOKS:
            self.looks = [self.looks[0], *self.looks[1:-1:2], self.looks[-1]]

    def _record(self, look: Look) -> dict[str, Any]:
        rows = 1.0 if getattr(self.loss_fn, "reduction", "mean") == "sum" else float(self.batch)
        record = {"epoch": self.account.ledger.epoch, "step": self.step, "rows": look.rows, "loss": self._first_loss,
                  "layers": look.layer_numbers(rows), "params": self._params}  # fmt: skip
        self._measured, self._params, self._first_loss = False, {}, None
        return record

    def _close_epoch(self) -> None:
        self.account.close()
        self._over = None

    # ------------------------------------------------------------------------------------------ what it comes to

    @property
    def looking(self) -> Look | None:
        """The look that no update has ended, if there is one."""
        return self._look

    def broken_off(self) -> dict[str, Any]:
        """What an open look has seen: of a training that broke off at its beginning."""
        return self._record(self._look) if self._look is not None else {"layers": {}}

    def _watched(self) -> Watched:
        if self._over is None or self._stop:
            self.account.settle()
            self._over = facts.watched(self)
        return self._over


def optimizers_of(given: Any) -> tuple[Any, ...]:
    """One optimizer, or several."""
    several = tuple(given) if isinstance(given, Iterable) and not isinstance(given, torch.optim.Optimizer) else (given,)
    for each in several:
        if not isinstance(each, torch.optim.Optimizer):
            raise InputError(f"optimizer must be a torch.optim optimizer, or a list of them, got {each!r}")
    return several
