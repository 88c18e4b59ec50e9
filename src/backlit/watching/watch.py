"""`watch`: the doctor in a training loop that is there already."""

from __future__ import annotations

from typing import Any

from backlit.errors import InputError
from backlit.extras import need
from backlit.watching.eye import Eye
from backlit.watching.plan import Plan


def watch(model: Any, loss_fn: Any = None, optimizer: Any = None, *, every: int | None = None) -> Any:
    """Watch a training loop in PyTorch, in which nothing else changes, and ask the doctor what is wrong with it.

    Hooks read what goes through the network: outputs and gradients of layers, gradients and updates of parameters,
    losses, targets and the first epoch's rows. Looks are spaced so that they cost a few percent of the training; the
    network's weights come out the same, bit for bit, as without being watched.

    Parameters
    ----------
    model : torch.nn.Module
        Also one of ``torch.compile(model)``, whose layers' outputs are seen, but not their gradients.
    loss_fn : torch.nn.Module or function, optional
        That the loop calls as ``loss_fn(outputs, targets)``. Left out, PyTorch's own losses are listened to.
    optimizer : torch.optim.Optimizer, or a list of them
        Whose steps are the updates; of several, name the one that steps last at the end.
    every : int, optional
        Updates between looks, where their cost shouldn't decide.

    Returns
    -------
    Eye
        For a ``with`` statement around the loop. ``eye.diagnose()`` is a `Diagnosis` with remedies in PyTorch's code,
        ``eye.report("report.html")`` writes the page, ``eye.history`` and ``eye.probes`` are the numbers.
        ``eye.epoch()`` tells where an epoch ends, in loops of which nothing else tells (data loaders, evaluations).

    Raises
    ------
    InputError
        If the model, the loss or the optimizer is of another kind, or PyTorch isn't installed.

    Examples
    --------
    >>> import torch, backlit as bl
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(256, 8); y = (x[:, 0] > 0).long()
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 2), torch.nn.Softmax(dim=1))
    >>> loss_fn, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())
    >>> with bl.watch(model, loss_fn, optimizer) as eye:
    ...     for _ in range(5):
    ...         for rows in torch.arange(256).split(32):
    ...             optimizer.zero_grad()
    ...             loss_fn(model(x[rows]), y[rows]).backward()
    ...             optimizer.step()
    >>> eye.diagnose().alarms
    Diagnosis(alarm: softmax twice)
    >>> print(eye.diagnose()[0].remedy)
    model = torch.nn.Sequential(*list(model)[:-1])  # or leave it out of forward(): the loss applies softmax or \
sigmoid itself
    """
    if every is not None and (not isinstance(every, int) or isinstance(every, bool) or every < 1):
        raise InputError(f"bl.watch: every must be a whole number of at least 1, or None, got {every!r}")
    kind = type(model).__module__.partition(".")[0]
    if isinstance(model, str):
        raise InputError("bl.watch takes a network; to look at other nodes of a graph use bl.Probes(watch=...)")
    torch = need("torch", extra="torch", why="watching a training in PyTorch")
    if not isinstance(model, torch.nn.Module):
        raise InputError(_refusal(model, kind))
    if optimizer is None:
        raise InputError("bl.watch needs the optimizer as well: bl.watch(model, loss_fn, optimizer)")
    if getattr(model, "_compiled_call_impl", None) is not None:
        raise InputError(
            "this model was compiled in place by model.compile(), so that hooks would be compiled into it: watch "
            "torch.compile(model) instead"
        )
    if isinstance(loss_fn, type):
        raise InputError(f"loss_fn is an instance: {loss_fn.__name__}(), got the class {loss_fn.__name__}")
    from backlit.watching.torch_eye import TorchEye, optimizers_of

    eye: Eye = TorchEye(model, loss_fn, optimizers_of(optimizer), Plan(every))
    return eye


def _refusal(model: Any, kind: str) -> str:
    if kind == "keras" or hasattr(model, "stop_training"):
        return "of Keras' networks a callback sees the training: model.fit(..., callbacks=[bl.KerasWatch(x, y)])"
    if kind == "sklearn":
        return "scikit-learn's networks are looked at when they are trained: backlit.sklearn.watch(mlp, X, y)"
    if kind == "backlit":
        return "Backlit's own networks have probes: bl.fit(...) and run.diagnose()"
    return f"bl.watch takes a torch.nn.Module, got {model!r}"
