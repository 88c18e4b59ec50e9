"""What was seen of a training in PyTorch, put together as the doctor's evidence."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.doctor.evidence import Evidence, PlacedLayer
from backlit.errors import InputError
from backlit.nn.changing import with_fields
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import Identity, Softmax
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.normalization import BatchNorm
from backlit.train.callbacks import History
from backlit.train.probes.facts import of_held_rows, of_rows, of_targets, plain_tree, weights_of
from backlit.train.probes.history import ProbeRecords, plain
from backlit.train.targets import Targets
from backlit.watching import torch_layers as layers
from backlit.watching import torch_losses as losses
from backlit.watching.eye import Watched
from backlit.watching.shadow import Shadow, shadow
from backlit.watching.torch_look import Look, Node, Site

if TYPE_CHECKING:
    from backlit.watching.torch_eye import TorchEye

SAME = 0.98  # of rows of "validation" that are training rows: then it is the training data, evaluated


# ------------------------------------------------------------------------------------------ weights


def path_of(model: Any, name: str) -> str:
    """A parameter's path, as rules know them: "fc1.weight" is "fc1/weight"."""
    owner, _, own = name.rpartition(".")
    module = model.get_submodule(owner) if owner else model
    layer = layers.of_module(module)
    return f"{owner or 'network'}/{layers.place_of(layer, own) if layer is not None else own}"


def arrays(model: Any) -> dict[str, np.ndarray]:
    """All parameters by path, as arrays of their own with units first and inputs last."""
    found = {}
    for name, parameter in model.named_parameters():
        if type(parameter).__name__ == "UninitializedParameter":
            raise InputError(
                f"parameter {name} has no shape yet: run the model once on a batch before watching it, so that lazy "
                "modules know their inputs"
            )
        owner = name.rpartition(".")[0]
        layer = layers.of_module(model.get_submodule(owner) if owner else model)
        value = parameter.detach()
        value = np.array(value.to("cpu", dtype=_wide(value)).numpy())
        found[path_of(model, name)] = value if layer is None else layers.weights_last(layer, name, value)
    return found


def _wide(tensor: Any) -> Any:
    import torch

    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _nested(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        owner, _, rest = path.partition("/")
        inside = nested.setdefault(owner, {})
        *groups, name = rest.split("/")
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[name] = value
    return nested


def plain_numbers(params: dict[str, Any]) -> dict[str, Any]:
    """Numbers of parameters as plain data."""
    return {path: plain(numbers) for path, numbers in params.items()}


def work(model: Any, look: Look, rows: int) -> dict[str, Any]:
    """What a pass costs, for the plan: multiply-adds, layers, numbers, parameters, time steps."""
    products, steps = 0.0, 0
    for site in look.sites.values():
        weight = sum(p.numel() for p in site.module.parameters(recurse=False)) if site.module is not None else 0
        places = math.prod(site.output[:-1]) if len(site.output) > 1 else 1
        products += float(weight * places * rows)
        steps += site.output[0] if site.layer.recurrent and len(site.output) > 1 else 0
    numbers = float(sum(part.size for site in look.sites.values() for part in (*site.values, *site.gradients)))
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "products": products, "layers": max(1, len(look.sites)), "numbers": numbers, "parameters": parameters,
        "time_steps": steps,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ layers


def placed(look: Look | None) -> tuple[tuple[PlacedLayer, ...], bool]:
    """Layers in the order in which they ran, and whether each one's output went to the next and nowhere else."""
    if look is None:
        return (), False
    sites = sorted(look.sites.values(), key=lambda site: site.number)
    around = _around(look)
    found = tuple(
        PlacedLayer(site.path, _used(site, look), site.shape, site.output, site.number in around, site.name)
        for site in sites
    )
    others = [node for node in look.nodes.values() if isinstance(node, Node) and not node.hands_on]
    return found, not around and not others


def _around(look: Look) -> set[int]:
    """Numbers of layers around which something leads from the input to the output."""
    target = look.output_node
    if target is None:
        return set()
    ways = {number: set(node.parents) for number, node in look.nodes.items()}

    def reaches(without: int) -> bool:
        waiting, known = [target], {target}
        while waiting:
            number = waiting.pop()
            if number == 0:
                return True
            for parent in ways.get(number, {0}) - known - {without}:
                known.add(parent)
                waiting.append(parent)
        return False

    return {
        number for number, node in look.nodes.items() if isinstance(node, Site) and number != target and reaches(number)
    }


def _used(site: Site, look: Look) -> Layer:
    """A layer; of a recurrent one, whether all its states are used or the last."""
    if not site.layer.recurrent or len(site.output) < 2:
        return site.layer
    after = next((other for other in look.sites.values() if other.number > site.number and other.shape), None)
    pooled = any(isinstance(node, Node) and node.name in layers.POOLING for node in look.nodes.values())
    last_only = after is not None and len(after.shape) < len(site.output) and not pooled
    return with_fields(site.layer, return_sequences=not last_only)


def _as_scores(found: tuple[PlacedLayer, ...], loss: losses.TheirLoss) -> tuple[tuple[PlacedLayer, ...], Any]:
    """A log-softmax at the end belongs to a loss that takes logarithms: together they take scores."""
    if loss.activation != "log":
        return found, loss
    ends = bool(found) and isinstance(found[-1].layer, Identity)
    if ends:
        return found, dataclasses.replace(loss, activation="softmax")
    raw = not (found and isinstance(found[-1].layer, Softmax))
    return found, dataclasses.replace(loss, activation="softmax" if not raw else "log")


# ------------------------------------------------------------------------------------------ all together


def watched(eye: TorchEye) -> Watched:
    """All that was seen, as a run and as evidence."""
    if eye.account.loss is None or eye.account.output is None:
        raise InputError(_unseen(eye))
    if not eye.step and eye.diverged is None:
        raise InputError(
            "no update was seen: optimizer.step() must be called inside the with block, of the optimizer given"
        )
    found, chain = placed(eye.first or eye.looking)
    found, loss = _as_scores(found, eye.account.loss)
    history = _history(eye)
    output_shape = tuple(eye.account.output.shape[1:]) or (1,)
    if loss.target == "class" and len(output_shape) > 1:
        output_shape = (*output_shape[1:], output_shape[0])
    x, y = eye.account.rows[""].together()
    x = _inputs(x, found)
    now = arrays(eye.inner)
    net = shadow(
        type(eye.inner).__name__, found, _nested(now), x.shape[1:] if x is not None else (), output_shape,
        x is not None and x.dtype.kind in "iu",
    )  # fmt: skip
    data, history = _data(eye, net, loss, x, y, history)
    start = dict(eye.looks[0]) if eye.looks else eye.broken_off()
    start |= {"epoch": 0, "step": 0, "data": data, "weights": _start_weights(net, eye)}
    optimizer, decay = losses.optimizer_of(eye.optimizers[0], eye.rate)
    settings = {
        "library": eye.library, "loss": str(loss), "optimizer": type(eye.optimizers[0]).__name__,
        "learning_rate": eye.rate, "batch_size": eye.batch, "epochs": len(history),
        "penalty": f"weight_decay={decay:g}" if decay else None,
    }  # fmt: skip
    stopped = "diverged" if eye.diverged else "epochs done"
    evidence = Evidence(
        network=net, loss=loss, optimizer=optimizer, start=start, looks=eye.looks[1:], history=list(history),
        settings=settings, stopped=stopped, diverged=eye.diverged, placed=found, chain=chain, loop=_loop(eye, found),
    )  # fmt: skip
    return Watched(
        net, history, loss, Targets(loss.target, output_shape), {}, stopped=stopped, diverged=eye.diverged,
        settings=settings, optimizer=optimizer, probed=ProbeRecords(eye.looks), told=start, evidence=evidence,
        library=eye.library,
    )  # fmt: skip


def _unseen(eye: TorchEye) -> str:
    name = getattr(eye.loss_fn, "__name__", type(eye.loss_fn).__name__)
    return (
        f"the loss ({name}) wasn't seen being called with outputs and targets: call it inside the with block, as "
        "loss_fn(outputs, targets), the same one that was given to bl.watch"
    )


def _loop(eye: TorchEye, found: tuple[PlacedLayer, ...]) -> dict[str, Any]:
    modal = [part.path for part in found if isinstance(part.layer, (Dropout, BatchNorm))]
    return {
        "uncleared": float(np.mean(eye.uncleared)) if eye.uncleared else 0.0,
        "broadcast": eye.broadcast,
        "evaluation": eye.passes[1] / eye.passes[0] if eye.passes[0] else 0.0,
        "modal": modal,
    }


def _history(eye: TorchEye) -> History:
    """Epochs, with the open one if nothing else is there; those without an evaluation join those with one."""
    history = History(dict(record) for record in eye.account.ledger.history)
    known = [record for record in history if "val_loss" in record]
    if not known or len(known) == len(history):
        return history
    joined, waiting = History(), []
    for record in history:
        waiting.append(record)
        if "val_loss" in record:
            means = {
                name: float(np.mean([each[name] for each in waiting if name in each]))
                for name in record
                if name not in ("epoch", "seconds") and not name.startswith("val_")
            }
            joined.append({**record, **means, "epoch": len(joined) + 1, "seconds": sum(r["seconds"] for r in waiting)})
            waiting = []
    return joined if len(joined) > 1 else history


def _inputs(x: np.ndarray | None, found: tuple[PlacedLayer, ...]) -> np.ndarray | None:
    """Inputs with channels last."""
    if x is None or not found:
        return x
    first = next((part for part in found if not isinstance(part.layer, Dropout)), found[0])
    return layers.channels_last(first.layer, x)


def _start_weights(net: Shadow, eye: TorchEye) -> dict[str, Any]:
    return weights_of(Shadow(net.architecture, _nested(eye.start_params), net.input_shape))


def _data(
    eye: TorchEye, net: Shadow, loss: Any, x: np.ndarray | None, y: np.ndarray | None, history: History
) -> tuple[dict[str, Any], History]:
    """Facts on the rows remembered; where evaluation was on training rows, it is left out of the history."""
    rows = max(eye.account.ledger.rows, eye.account.rows[""].seen)
    facts: dict[str, Any] = {"rows": rows, "batch": eye.batch, "kind": loss.target}
    if y is None:
        return facts, history
    held_x, held_y = eye.account.rows["val_"].together()
    held_x = _inputs(held_x, net.placed)
    best = losses.constant_losses(eye.loss_fn, eye.account.loss, eye.account.output, y, len(y))  # type: ignore[arg-type]
    y, held_y = _targets(loss, y), None if held_y is None else _targets(loss, held_y)
    targets = SimpleNamespace(
        kind=loss.target, labels=SimpleNamespace(classes=range(_classes(net, loss, y))), own_unit=lambda own: own
    )
    with np.errstate(all="ignore"):
        facts["guess"] = min(best, default=None)
        if x is not None and len(x) == len(y):
            facts |= of_rows(x, y, net.architecture, targets)
        else:
            facts |= of_targets(y, targets)
        if held_y is not None:
            facts["held"] = eye.account.rows["val_"].seen
            best = losses.constant_losses(eye.loss_fn, eye.account.loss, eye.account.output, held_y, len(held_y))  # type: ignore[arg-type]
            facts["held_guess"] = min(best, default=None)
            if x is not None and held_x is not None and len(held_x) == len(held_y) and held_x.shape[1:] == x.shape[1:]:
                facts |= of_held_rows(x, held_x, held_y, rows, targets)
    if facts.get("held") == rows and facts.get("shared", {}).get("share", 0.0) >= SAME:
        facts = {
            name: value for name, value in facts.items() if name not in ("held", "shared", "held_guess", "held_targets")
        }
        history = History({k: v for k, v in record.items() if not k.startswith("val_")} for record in history)
    return plain_tree(facts), history


def _classes(net: Shadow, loss: Any, y: np.ndarray) -> int:
    return max(net.output_shape[-1], int(y.max(initial=0)) + 1) if loss.target == "class" else 2


def _targets(loss: Any, y: np.ndarray) -> np.ndarray:
    """Targets as Backlit's losses have them: a row each, padding -1."""
    if loss.target == "class":
        return np.where(y < 0, -1, y)
    return y.reshape(len(y), -1) if loss.target in ("number", "binary") and y.ndim == 1 else y
