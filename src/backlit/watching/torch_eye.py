"""What watches a training loop in PyTorch: hooks on the network, the loss, the optimizers and the data loaders."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import torch

from backlit.errors import InputError
from backlit.train.divergence import Divergence
from backlit.train.probes.facts import most_rows
from backlit.watching import torch_facts as facts
from backlit.watching import torch_losses as losses
from backlit.watching.eye import Eye, Watched
from backlit.watching.intercept import Listener
from backlit.watching.ledger import Ledger, Rows
from backlit.watching.plan import Plan
from backlit.watching.torch_epochs import Epochs, listen
from backlit.watching.torch_look import PASSES, Look, first_tensor
from backlit.watching.torch_peek import peek

MOST_LOOKS = 400  # kept; beyond it every other one is dropped
MOST_OUTPUTS = 262_144  # numbers of a batch's outputs that are scored
PENDING = 2_000_000  # numbers of outputs that wait for it
DELAY = 20  # losses on an accelerator that are asked for at once: asking for each would hold it up


class TorchEye(Eye):
    """Watches a training: see `backlit.watch`.

    Attributes
    ----------
    ledger : Ledger
    looks : list of dict
        Records of looks, as `backlit.ProbeHistory` has them.
    step : int
        Updates so far.
    """

    def __init__(self, model: Any, loss_fn: Any, optimizers: tuple[Any, ...], plan: Plan, library: str = "torch"):
        self.library = library
        self.model, self.loss_fn, self.optimizers, self.plan = model, loss_fn, optimizers, plan
        self.compiled = isinstance(model, torch._dynamo.eval_frame.OptimizedModule)
        self.inner = model._orig_mod if self.compiled else model
        self.ledger, self.epochs = Ledger(), Epochs()
        self.looks: list[dict[str, Any]] = []
        self.step = 0
        self.first: Look | None = None  # the first look, which knows how layers follow one another
        self.start_params: dict[str, np.ndarray] = {}
        self.loss: losses.TheirLoss | None = None
        self.output: Any = None  # the first output, of which shape and type are asked for
        self.rows = {"": Rows(), "val_": Rows()}
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
        self._ratios: dict[str, float] = {}
        self._backwards = 0
        self._waiting: list[tuple[str, Any, int]] = []
        self._outputs: list[tuple[str, Any, Any, int]] = []
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
            self._stop.append(self.loss_fn.register_forward_hook(hook, with_kwargs=True).remove)
        elif self.loss_fn is not None:
            self._stop.append(Listener(self.loss_fn, self._called).close)
        else:
            for name in losses.FUNCTIONS:
                function = getattr(torch.nn.functional, name)
                self._stop.append(Listener(function, self._named(function)).close)

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
        if self._look is not None:
            if self._look.running:
                self._look.end(None)
            self._look = None
        self._close_epoch()

    def epoch(self) -> None:
        """An epoch is over. Only for loops of which nothing tells: see the page "The doctor in your own loop"."""
        self.epochs.said()
        self._close_epoch()

    # ------------------------------------------------------------------------------------------ passes forward

    def _enter_model(self, module: Any, args: Any, kwargs: Any) -> None:
        if not self._busy:
            self.begin(first_tensor((args, tuple(kwargs.values()))), (args, kwargs))

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
                self.ledger.fresh("val_")
                self._evaluations += 1
            self._evaluating, self._counts = held, held
            return
        self._evaluating, self._counts = False, True
        if self.epochs.training(x) and self.ledger.begun:
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

    def _called(self, args: Any, kwargs: Any, value: Any) -> None:
        """The loss was called."""
        tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
        if self._busy or not isinstance(value, torch.Tensor) or len(tensors) < 2:
            return
        output, target = tensors[:2]
        training = self._training and value.requires_grad
        if not training and not self._counts:
            return
        part = "" if training else "val_"
        rows = len(target) if target.ndim else 1
        if self.loss is None:
            self.loss = losses.told(self.loss_fn, output, target)
            self.output = output.detach()[:1].clone()
        if training:
            self.batch = self.batch or rows
            self._misshapen(output, target)
            self._value = value.detach()
            if self._look is not None:
                self._look.rows += rows
                value.register_hook(self._seeded(rows))
        self._remember(part, target, rows)
        if target.numel() <= MOST_OUTPUTS:
            some = max(1, min(rows, MOST_OUTPUTS * rows // max(1, output.numel())))
            self._outputs.append((part, output.detach()[:some], target.detach()[:some], output._version))
        self._waiting.append((part, value.detach(), rows))
        if value.device.type == "cpu" or len(self._waiting) >= DELAY:
            self._settle()
        if sum(each[1].numel() for each in self._outputs[-64:]) * len(self._outputs) > 64 * PENDING:
            self._score()

    def _misshapen(self, output: Any, target: Any) -> None:
        """Outputs (rows, 1) beside targets (rows,), which PyTorch only warns of."""
        if (
            self.broadcast is not None
            or self.loss is None
            or self.loss.target != "number"
            or output.shape == target.shape
        ):
            return
        try:
            together = torch.broadcast_shapes(output.shape, target.shape)
        except RuntimeError:
            return
        times = math.prod(together) / max(1, output.numel(), target.numel())
        if self.loss.known and times > 1:
            self.broadcast = {"outputs": output.shape, "targets": target.shape, "times": times}

    def _seeded(self, rows: int) -> Any:
        """A hook on the loss: backward has begun, with this factor (of a scaler, or of accumulated batches)."""
        look, step = self._look, self.step

        def begun(gradient: Any) -> None:
            if look is not None:
                look.scales.append(float(gradient.sum()))
            if self._backwards == 0 and step:
                known = next((p.grad for p in self.inner.parameters() if p.grad is not None), None)
                self.uncleared.append(known is not None and bool(known.any()))
            self._backwards += 1

        return begun

    def _remember(self, part: str, target: Any, rows: int) -> None:
        kept = self.rows[part]
        if (self._evaluations > 1) if part else self.ledger.epoch:
            return
        x = self._x
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

    def _settle(self) -> None:
        """Losses that were waited for."""
        waiting, self._waiting = self._waiting, []
        summed = getattr(self.loss_fn, "reduction", "mean") == "sum"
        for part, tensor, rows in waiting:
            value = float(tensor.float().mean())
            if summed:
                value /= max(1, rows)
            if not math.isfinite(value) and not part and self.diverged is None:
                self._diverge()
            self.ledger.loss(part, value, rows)

    def _score(self) -> None:
        """Outputs that were waited for, beside their targets."""
        waiting, self._outputs = self._outputs, []
        if self.loss is None:
            return
        middle = 0.5 if self.loss.activation == "identity" else 0.0
        for part, output, target, version in waiting:
            if output._version != version or not output.is_floating_point():
                continue  # changed in place since then
            given = output.movedim(1, -1) if self.loss.target == "class" and output.ndim > 2 else output
            self.ledger.outputs(part, self.loss.target, _array(given), _array(target), middle)

    def _diverge(self) -> None:
        """Name the first value that is NaN or infinite, before the update that spreads it."""
        kind, path = "loss", str(self.loss)
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
        self.diverged = Divergence(kind, path, self.ledger.epoch + 1, self.step + 1)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------------ updates

    def _before_step(self, optimizer: Any, *_: Any) -> None:
        if optimizer is self.optimizers[0]:
            self.rate = max(self.rate, *(float(group.get("lr", 0.0)) for group in optimizer.param_groups))
        if self._look is None or not self._look.enough:
            return
        own = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, parameter in self.inner.named_parameters():
            if id(parameter) in own:
                numbers = self._look.param_numbers(name, parameter, parameter.grad)
                self._before[name] = (numbers, parameter.detach().clone())

    def _after_step(self, optimizer: Any, *_: Any) -> None:
        if self._before:
            with torch.no_grad():
                for name, parameter in self.inner.named_parameters():
                    if name in self._before and name not in self._ratios:
                        numbers, before = self._before[name]
                        moved = float(torch.linalg.vector_norm(parameter.detach() - before, dtype=torch.float64))
                        self._ratios[name] = moved / numbers["norm"] if numbers["norm"] else moved and math.inf
        if optimizer is not self.optimizers[0]:
            return
        look = self._look
        if look is not None and look.enough:
            self._finish(look)
        self._by_gradient |= self._could_train and not self._training  # trained, though in evaluation mode
        self._backwards = 0
        self.step += 1
        self.epochs.updated()

    def _finish(self, look: Look) -> None:
        """A look is over: its numbers as a record."""
        self._look = None
        rows = 1.0 if getattr(self.loss_fn, "reduction", "mean") == "sum" else float(self.batch)
        if self.first is None:
            self.first = look
            self.plan.learn(**facts.work(self.inner, look, self.batch))
        known = {id(p) for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]}
        params = {}
        for name, parameter in self.inner.named_parameters():
            numbers = self._before[name][0] if name in self._before else look.param_numbers(
                name, parameter, parameter.grad)  # fmt: skip
            if name in self._ratios and math.isfinite(self._ratios[name]):
                numbers["update_ratio"] = self._ratios[name]
            elif id(parameter) not in known:
                numbers["update_ratio"] = 0.0
            params[facts.path_of(self.inner, name)] = numbers
        self._before, self._ratios = {}, {}
        loss = float(self._value.float().mean()) / (self.batch if rows == 1.0 else 1.0)
        record = {
            "epoch": self.ledger.epoch, "step": self.step, "rows": look.rows,
            "loss": loss if math.isfinite(loss) else None,
            "layers": look.layer_numbers(rows), "params": facts.plain_numbers(params),
        }  # fmt: skip
        look.forget()
        self.looks.append(record)
        self.plan.took(self.step)
        if len(self.looks) > MOST_LOOKS:
            self.looks = [self.looks[0], *self.looks[1:-1:2], self.looks[-1]]

    def _close_epoch(self) -> None:
        self._settle()
        self._score()
        self.ledger.close(self.loss.target if self.loss else "")
        self._over = None

    # ------------------------------------------------------------------------------------------ what it comes to

    def _watched(self) -> Watched:
        if self._over is None or self._stop:
            self._settle()
            self._score()
            self._over = facts.watched(self)
        return self._over


def _array(tensor: Any) -> np.ndarray:
    return np.asarray((tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).cpu().numpy())


def optimizers_of(given: Any) -> tuple[Any, ...]:
    """One optimizer, or several."""
    several = tuple(given) if isinstance(given, Iterable) and not isinstance(given, torch.optim.Optimizer) else (given,)
    for each in several:
        if not isinstance(each, torch.optim.Optimizer):
            raise InputError(f"optimizer must be a torch.optim optimizer, or a list of them, got {each!r}")
    return several
