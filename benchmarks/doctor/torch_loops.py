"""The doctor's cases in PyTorch: the same data, networks, starts and faults, in a loop that is watched."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.doctor.runner import Case, Result, cases, ready

nn = torch.nn


class Last(nn.Module):
    """A recurrent module of which the last state is handed on, or all of them."""

    def __init__(self, inner: nn.Module, whole: bool) -> None:
        super().__init__()
        self.inner, self.whole = inner, whole

    def forward(self, x: Any) -> Any:
        states, _ = self.inner(x)
        return states if self.whole else states[:, -1]


class Mean(nn.Module):
    """The mean over time, or over a picture."""

    def forward(self, x: Any) -> Any:
        return x.mean(dim=1) if x.ndim == 3 else x.mean(dim=(2, 3))


class Passed(torch.autograd.Function):
    """A step whose gradient is 0 rather than missing."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return torch.zeros_like(gradient)


class Step(nn.Module):
    def forward(self, x: Any) -> Any:
        return Passed.apply(x)


class Log(nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.log(x)


ACTIVATIONS = {
    "ReLU": nn.ReLU, "Tanh": nn.Tanh, "Sigmoid": nn.Sigmoid, "SiLU": nn.SiLU, "GELU": nn.GELU, "Softplus": nn.Softplus,
    "LeakyReLU": nn.LeakyReLU, "ELU": nn.ELU, "SELU": nn.SELU, "Flatten": nn.Flatten, "GlobalAvgPool": Mean,
    "Step": Step, "Log": Log,
}  # fmt: skip
OPTIONS = {"epochs", "optimizer", "loss", "batch_size", "clip", "l2"}  # of `fit` that a loop has a like of
ENOUGH = 25  # epochs of what is only checked before training in Backlit
KNOWN = {*ACTIVATIONS, "Softmax", "Linear", "Conv2d", "MaxPool2d", "BatchNorm", "LayerNorm", "Dropout", "Embedding",
         "RNN", "LSTM", "GRU"}  # fmt: skip
LOSSES = {
    "cross_entropy": nn.CrossEntropyLoss, "mse": nn.MSELoss, "huber": nn.HuberLoss, "mae": nn.L1Loss,
    "binary_cross_entropy": nn.BCEWithLogitsLoss,
}  # fmt: skip


def expressible(case: Case) -> bool:
    """Whether a case can be told in PyTorch's modules."""
    from benchmarks.doctor.runner import written_out

    if case.train or case.held or case.weights:
        return False
    known = all(line.split()[0] in KNOWN for line in written_out(case.network))
    return known and set(case.fit) <= OPTIONS and str(case.fit.get("loss", "mse")) in LOSSES


def module(layer: Any, shape: tuple[int, ...], output: tuple[int, ...], params: dict[str, Any]) -> nn.Module:
    """A layer with its weights as a module of PyTorch's."""
    kind = type(layer).__name__
    own = {name: torch.as_tensor(np.array(leaf)) for name, leaf in params.items() if not isinstance(leaf, dict)}
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind]()
    if kind == "Softmax":
        return nn.Softmax(dim=-1)
    if kind == "Linear":
        return _filled(nn.Linear(shape[-1], output[-1], bias="bias" in own), own)
    if kind == "Conv2d":
        kernel = layer.kernel if isinstance(layer.kernel, tuple) else (layer.kernel,) * 2
        padding = "same" if layer.padding == "same" else 0
        made = nn.Conv2d(shape[-1], layer.channels, kernel, stride=layer.stride, padding=padding)
        return _filled(made, own | {"weight": own["weight"].movedim(-1, 1)})
    if kind == "MaxPool2d":
        return nn.MaxPool2d(layer.size)
    if kind == "BatchNorm":
        return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[-1])
    if kind == "LayerNorm":
        return nn.LayerNorm(shape[-1])
    if kind == "Dropout":
        return nn.Dropout(layer.rate)
    if kind == "Embedding":
        return _filled(nn.Embedding(layer.count, layer.size), own)
    if kind in ("RNN", "LSTM", "GRU"):
        extra = {"nonlinearity": layer.activation} if kind == "RNN" else {}
        made = getattr(nn, kind)(shape[-1], layer.units, batch_first=True, **extra)
        again = torch.as_tensor(np.array(params["recurrent"]["weight"]))
        with torch.no_grad():
            made.weight_ih_l0.copy_(own["weight"])
            made.weight_hh_l0.copy_(again)
            made.bias_ih_l0.copy_(own["bias"])
            made.bias_hh_l0.zero_()
        return Last(made, layer.return_sequences)
    raise KeyError(kind)


def _filled(made: nn.Module, own: dict[str, Any]) -> nn.Module:
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(own[name])
    return made


def network(architecture: Any, shape: tuple[int, ...], seed: int) -> nn.Module:
    """A sequence of layers, with the weights that Backlit draws for a seed, as a module.

    Behind a flattening, inputs come in another order here, which is as good a start.
    """
    built = architecture.build(shape, seed=seed)
    places = [place for place in built.architecture.walk_shapes(built.input_shape) if place.path]
    parts = [
        module(each.layer, each.shape, each.layer.output_shape(each.shape), built.params.get(each.path, {}))
        for each in places
        if "/" not in each.path
    ]
    return nn.Sequential(*parts)


def optimizer_of(model: nn.Module, options: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimizer of a case."""
    from backlit import optim
    from backlit.optim.transform import as_transform

    told = options.get("optimizer", "adam")
    own = as_transform(told if not isinstance(told, str) else optim.get(told))
    left_out = own.option("only")
    trained = [
        p for name, p in model.named_parameters() if left_out is None or not name.startswith(left_out[:-1] + ".")
    ]
    steps = [part for part in own.transforms if getattr(part, "learning_rate", None) is not None]
    kind, rate = type(steps[-1]).__name__, float(own.rate)
    decay = float(own.option("weight_decay") or 0.0)
    penalty = options.get("penalty")
    decay += 2 * float(getattr(penalty, "strength", 0.0)) if penalty is not None else 0.0
    if kind == "SGD" or kind == "GradientDescent":
        return torch.optim.SGD(trained, lr=rate, momentum=float(own.option("momentum") or 0.0), weight_decay=decay)
    if kind == "AdamW":
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)
    return {"Adam": torch.optim.Adam, "RMSprop": torch.optim.RMSprop}[kind](trained, lr=rate, weight_decay=decay)


def arrays(x: np.ndarray, y: np.ndarray, loss: str, pictures: bool) -> tuple[Any, Any]:
    """Data as PyTorch's modules and losses take it."""
    x = np.moveaxis(x, -1, 1) if pictures else x
    inputs = torch.as_tensor(np.ascontiguousarray(x))
    inputs = inputs.float() if inputs.is_floating_point() else inputs.long()
    if loss == "cross_entropy":
        return inputs, torch.as_tensor(np.asarray(y)).long()
    return inputs, torch.as_tensor(np.asarray(y, dtype=np.float32)).reshape(len(y), -1)


def run(case: Case, seed: int = 0) -> Result:
    """Train a case in PyTorch while it is watched, and ask the doctor."""
    import backlit as bl

    begin = time.perf_counter()
    architecture, x, y, options = ready(case, seed)
    loss = str(options.get("loss") or ("mse" if np.asarray(y).dtype.kind == "f" else "cross_entropy"))
    pictures = x.ndim == 4
    units = next(layer.units for layer in reversed(architecture.layers) if hasattr(layer, "units"))
    if loss == "cross_entropy" and units == 1:
        loss = "binary_cross_entropy" if len(np.unique(y)) == 2 else "mse"
    model = network(architecture, x.shape[1:], seed)
    torch.manual_seed(seed)
    optimizer, loss_fn = optimizer_of(model, options), LOSSES[loss]()
    if isinstance(options["validation"], tuple):
        held = arrays(*options["validation"], loss, pictures)
        known = arrays(x, y, loss, pictures)
    else:
        order = np.random.default_rng([seed, 8]).permutation(len(x))
        cut = len(x) - int(options["validation"] * len(x))
        known, held = (arrays(x[part], y[part], loss, pictures) for part in (order[:cut], order[cut:]))
    batch = options.get("batch_size", 32) or len(known[0])
    loader = DataLoader(TensorDataset(*known), batch_size=batch, shuffle=True, drop_last=len(known[0]) % batch == 1)
    test = DataLoader(TensorDataset(*held), batch_size=256)
    epochs = options["epochs"] if case.when == "after" else ENOUGH
    clip = float(options.get("clip") or math.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with bl.watch(model, loss_fn, optimizer) as eye:
            _loop(model, loss_fn, optimizer, loader, test, epochs, clip)
        diagnosis = eye.diagnose()
    names = ([own.name for own in part] for part in (diagnosis.alarms, diagnosis.remarks))
    end = {name: value for name, value in (eye.history[-1] if eye.history else {}).items() if name != "seconds"}
    return Result(case, seed, *names, time.perf_counter() - begin, end)


def _loop(model: Any, loss_fn: Any, optimizer: Any, loader: Any, held: Any, epochs: int, clip: float) -> None:
    """A training loop as people write them."""
    for _ in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            if not torch.isfinite(loss):
                return
            loss.backward()
            if math.isfinite(clip):
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for inputs, targets in held:
                loss_fn(model(inputs), targets)


def torch_cases(halves: tuple[str, ...] = ("score",)) -> list[Case]:
    """The cases that can be told in PyTorch."""
    return [case for half in halves for case in cases(half) if expressible(case)]
