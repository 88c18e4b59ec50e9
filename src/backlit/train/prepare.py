"""What a training run needs, checked and prepared: mistakes are told before anything slow happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backlit import engine as engines
from backlit.data.frames import as_arrays
from backlit.data.preparation import preparation_of
from backlit.data.splitting import split
from backlit.errors import InputError, ShapeError
from backlit.nn import losses
from backlit.nn.layer import Layer, Network
from backlit.optim import Chain, ClipGlobalNorm, ClipNorm, ClipValue, chain
from backlit.optim import get as get_optimizer
from backlit.train.batches import Batches
from backlit.train.callbacks import EarlyStopping
from backlit.train.ensemble import Folds, drawn, member_seeds
from backlit.train.loop import room
from backlit.train.mixup import create as create_mixup
from backlit.train.program import Carry, Program, program_for
from backlit.train.result import measured, metric_table
from backlit.train.targets import Targets

CLIP = 1.0  # norm to which gradients of recurrent networks are clipped


@dataclass(eq=False)
class Job:
    """Everything `fit` has checked and prepared: what runs, on which rows."""

    network: Network
    loss: Any
    optimizer: Any
    targets: Targets
    program: Program
    data: dict[str, Any]
    held: dict[str, Any]
    batches: list[Batches]
    judge: list[Batches] | None
    metrics: dict[str, Any]
    encoded: np.ndarray
    held_encoded: np.ndarray
    carry: Carry


def prepare(
    network: Any,
    x: Any,
    y: Any,
    *,
    loss: Any = None,
    optimizer: Any = "adam",
    batch_size: int | None = 32,
    validation: Any = None,
    seed: int = 0,
    metrics: Any = None,
    penalty: Any = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    accumulate: int = 1,
    reduction: str = "mean",
    shuffle: bool = True,
    engine: str = "xla",
    dtype: str = "float32",
    preparation: Any = None,
    standardize_targets: bool = False,
    epochs: int = 1,
    chunk: int | None = None,
    ensemble: int = 1,
    clip: float | str | None = "auto",
    steps_per_epoch: int | None = None,
    encoding: Any = None,
    mixup: float = 0.0,
    devices: int = 1,
) -> Job:
    """Check everything, then put the data on the device: mistakes are told before anything slow happens."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}")
    if dtype not in ("float32", "float64"):
        raise InputError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    if reduction not in ("mean", "sum"):
        raise InputError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
    given = {"batch_size": batch_size, "steps_per_epoch": steps_per_epoch}
    counts = {name: count for name, count in given.items() if count is not None}
    check_counts(accumulate=accumulate, ensemble=ensemble, devices=devices, **counts)
    if not isinstance(network, (Layer, Network)):
        raise InputError(f"network must be a layer such as bl.Sequential(...) or a bl.Network, got {network!r}")
    architecture = network.architecture if isinstance(network, Network) else network
    inputs, outcomes = _arrays(x, y, preparation, architecture.takes_integers, dtype)
    chosen = losses.get(loss) if loss is not None else losses.default_for(_task(outcomes))
    built = network if isinstance(network, Network) else network.build(inputs.shape[1:], seed=int(seed), dtype=dtype)
    if built.input_shape != inputs.shape[1:]:
        raise ShapeError(f"the network takes rows of shape {built.input_shape}, got x of shape {inputs.shape}")
    if str(built.dtype) != dtype:
        built = built.astype(dtype)
    targets = encoding or Targets.learn(outcomes, chosen.target, built.output_shape, chosen, standardize_targets)
    encoded = targets.encode(outcomes, dtype)
    weights = _weights(len(encoded), targets, encoded, sample_weight, class_weight)
    take = lambda x, y: _arrays(x, y, preparation, architecture.takes_integers, dtype)  # noqa: E731
    held = _hold_back(validation, inputs, encoded, targets, take, dtype, int(seed), ensemble)
    table = metric_table(metrics, chosen)
    fewest = min(map(len, held.train))
    size = fewest if batch_size is None else min(int(batch_size), fewest)
    seeds = member_seeds(int(seed), ensemble)
    carried = carries_state(architecture)
    size = divisible(size, int(devices), whole=size == fewest and not carried)
    runner = engines.get(engine, int(devices))
    batches = [
        Batches(
            rows,
            size,
            weights=None if weights is None else weights[rows],
            seed=own if shuffle and not carried else None,
            accumulate=accumulate,
            updates=steps_per_epoch,
            carried=carried,
            mixup=create_mixup(mixup, own, architecture.takes_integers and inputs.dtype != np.uint8),
        )
        for rows, own in zip(held.train, seeds, strict=True)
    ]
    judge = None
    if held.rows is not None:
        judge = [
            Batches(
                rows,
                size if carried else divisible(min(len(rows), max(size, 1024)), int(devices), whole=True),
                carried=carried,
            )
            for rows in held.rows
        ]
    steps = clipped(get_optimizer(optimizer), architecture, clip)
    collect = any(not hasattr(metric, "of_loss") for metric in table.values())
    outputs = int(np.prod(built.output_shape)) if collect else 0
    length = room(batches, judge, outputs, epochs) if chunk is None else min(chunk, epochs)
    parts = (
        architecture,
        built.input_shape,
        chosen,
        steps,
        runner,
        penalty,
        reduction,
        batches[0].full,
        collect,
        length,
        ensemble,
    )
    program = program_for(*parts)
    data = {"x": runner.put(inputs), "y": runner.put(encoded)}
    judged = data if held.inputs is inputs else {"x": runner.put(held.inputs), "y": runner.put(held.encoded)}
    members = drawn(network, built, seeds)
    carry = program.start(members, seeds)
    return Job(
        built, chosen, steps, targets, program, data, judged, batches, judge, table, encoded, held.encoded, carry
    )


@dataclass(frozen=True, eq=False)
class _HeldBack:
    """Which rows each member learns from, and which rows of which arrays judge it."""

    train: list[np.ndarray]
    rows: list[np.ndarray] | None
    inputs: np.ndarray
    encoded: np.ndarray


def _hold_back(
    validation: Any,
    inputs: np.ndarray,
    encoded: np.ndarray,
    targets: Targets,
    take: Any,
    dtype: str,
    seed: int,
    members: int,
) -> _HeldBack:
    """Validation as the user said it: none, a share, data of their own, or folds for an ensemble."""
    everything = np.arange(len(inputs))
    if validation is None:
        return _HeldBack([everything] * members, None, inputs, encoded)
    if isinstance(validation, Folds):
        if len(validation.rows) != members:
            raise InputError(f"validation has {len(validation.rows)} folds for an ensemble of {members}: give one each")
        kept = [np.setdiff1d(everything, rows) for rows in validation.rows]
        if len({len(rows) for rows in kept}) > 1 or not all(len(rows) for rows in validation.rows):
            raise InputError("the folds must hold back equally many rows, at least one each")
        return _HeldBack(kept, list(validation.rows), inputs, encoded)
    if isinstance(validation, (int, float)) and not isinstance(validation, bool):
        if not 0 < validation < 1:
            raise InputError(f"validation={validation!r}: a share must lie between 0 and 1, 0.2 say")
        stratify = encoded if targets.kind == "class" and encoded.ndim == 1 else None
        train, held = split(len(encoded), (1 - validation, validation), seed=seed, stratify=stratify)
        return _HeldBack([train] * members, [held] * members, inputs, encoded)
    if not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise InputError(f"validation must be a share such as 0.2 or a pair (x, y), got {type(validation).__name__}")
    held_inputs, held_outcomes = take(*validation)
    if held_inputs.shape[1:] != inputs.shape[1:]:
        raise ShapeError(f"validation rows have shape {held_inputs.shape[1:]}, training rows {inputs.shape[1:]}")
    own = [np.arange(len(held_inputs))] * members
    return _HeldBack([everything] * members, own, held_inputs, targets.encode(held_outcomes, dtype))


def _arrays(x: Any, y: Any, preparation: Any, integers: bool, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    preparation = preparation_of(preparation)
    inputs, _ = as_arrays(preparation.apply(x), keep_integers=integers, dtype=dtype)
    outcomes = np.asarray(preparation.relative(x, y))
    if outcomes.dtype.kind == "U" and isinstance(y, (list, tuple)) and not all(isinstance(label, str) for label in y):
        outcomes = np.array(y, dtype=object)  # what is missing must not become the text "nan"
    if outcomes.ndim == 0 or len(outcomes) != len(inputs):
        raise ShapeError(
            f"x has {len(inputs)} rows and y {outcomes.shape[0] if outcomes.ndim else 'none'}: they must be equal"
        )
    if not len(inputs):
        raise InputError("there are no rows to train on")
    return inputs, outcomes


def _task(y: np.ndarray) -> str:
    return "regression" if y.dtype.kind == "f" else "classification"


def _weights(n: int, targets: Targets, encoded: np.ndarray, sample_weight: Any, class_weight: Any) -> np.ndarray | None:
    """Weight of each row, or None if all are 1."""
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float32)
        if weights.shape != (n,):
            raise ShapeError(f"sample_weight must have shape ({n},), one a row, got {weights.shape}")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise InputError("sample_weight must be finite and at least 0, with some above 0")
    if class_weight is None:
        return weights
    if targets.labels is None:
        raise InputError("class_weight needs class targets; use sample_weight for numbers")
    if len(encoded.reshape(-1)) != n:
        raise InputError(
            "class_weight needs one class a row; for a class at each step use CrossEntropy(class_weights=…)"
        )
    classes = list(targets.labels.classes)
    codes = encoded.reshape(n).astype(int)
    counts = np.bincount(codes, minlength=len(classes))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise InputError(f"class_weight must be 'balanced' or a dict of class to weight, got {class_weight!r}")
        by_class = n / (len(classes) * np.maximum(counts, 1))
    else:
        unknown = set(class_weight) - set(classes)
        if unknown:
            raise InputError(f"class_weight names {sorted(map(str, unknown))}, but the classes are {classes}")
        by_class = np.array([float(class_weight.get(c, 1.0)) for c in classes])
        if not (np.isfinite(by_class).all() and (by_class >= 0).all()):
            raise InputError(f"class weights must be finite and at least 0, got {class_weight}")
    own = by_class[codes].astype(np.float32)
    return own if weights is None else own * weights


def divisible(size: int, devices: int, whole: bool) -> int:
    """The size of batches that devices share equally: one that takes the whole data is filled up with unused rows."""
    over = size % devices
    if over and not whole:
        less = f"{size - over} or " if size > devices else ""
        raise InputError(
            f"batches of {size} rows can't be shared equally by {devices} devices: choose batch_size {less}"
            f"{size - over + devices}, or another number of devices"
        )
    return size if not over else size - over + devices


def carries_state(layer: Layer) -> bool:
    """Whether a layer, or a part of it, goes on from the state that the batch before ended with."""
    return any(getattr(part, "stateful", 0) for _, part in layer.walk())


def clipped(optimizer: Any, architecture: Layer, clip: float | str | None) -> Any:
    """The optimizer behind a clipping of the gradients: by default for recurrent networks, unless it has one."""
    if clip is None or (clip == "auto" and (_clips(optimizer) or not is_recurrent(architecture))):
        return optimizer
    if isinstance(clip, bool) or not (clip == "auto" or (isinstance(clip, (int, float)) and 0 < clip < np.inf)):
        raise InputError(f"clip must be a gradient norm above 0, 'auto' or None, got {clip!r}")
    return chain(ClipGlobalNorm(CLIP if clip == "auto" else float(clip)), optimizer)


def is_recurrent(layer: Layer) -> bool:
    """Whether a layer, or a part of it, is recurrent."""
    return any(part.recurrent for _, part in layer.walk())


def _clips(optimizer: Any) -> bool:
    inside = optimizer.transforms if isinstance(optimizer, Chain) else ()
    return isinstance(optimizer, (ClipGlobalNorm, ClipNorm, ClipValue)) or any(map(_clips, inside))


def check_counts(**counts: Any) -> None:
    """Refuse what isn't a whole number above zero."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(f"{name} must be a whole number of at least 1, got {count!r}")


def complete(stopping: EarlyStopping | None, job: Job) -> tuple[EarlyStopping | None, str]:
    """Early stopping with its monitor and direction filled in."""
    if stopping is None:
        return None, "min"
    monitor = stopping.monitor or ("val_loss" if job.judge else "loss")
    name = monitor.removeprefix("val_")
    known = ["loss", *job.metrics] + (["val_loss", *(f"val_{m}" for m in job.metrics)] if job.judge else [])
    if monitor not in known:
        raise InputError(f"EarlyStopping: nothing called {monitor!r} is measured; there is {', '.join(known)}")
    direction: str = stopping.direction or getattr(job.metrics.get(name), "direction", None) or "min"
    return replace(stopping, monitor=monitor), direction


def scorer(job: Job) -> Any:
    """The function that computes the metrics of one epoch from its outputs, in the targets' own unit."""

    def scores(outputs: np.ndarray, rows: np.ndarray, weights: np.ndarray, validation: bool) -> dict[str, float]:
        targets = job.targets.own_unit((job.held_encoded if validation else job.encoded)[rows])
        outputs = job.targets.own_unit(outputs)
        return measured(job.metrics, outputs, targets, weights)

    return scores
