"""Learning-rate range test: one short run with a rate that grows from tiny to far too large."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit import distributed
from backlit.distributed.same import check_same
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.optim import get as get_optimizer
from backlit.optim.schedules import Exponential
from backlit.optim.transform import Chain, chain
from backlit.settings import build
from backlit.train.compared import decisive
from backlit.train.prepare import prepare
from backlit.train.training import Training

if TYPE_CHECKING:
    from typing import Unpack

    from backlit.train.options import TrainingOptions

SMOOTHING = 0.9  # of the losses, before the steepest fall is looked for
SETTLING = 10  # steps until the smoothed loss is more than noise
BEGUN = 0.1  # share of the whole fall from which the loss is falling
STRETCH = 10  # steps over which the fall is measured
BLOWN_UP = 4.0  # times the smallest smoothed loss: from there on nothing is learned


@dataclass(frozen=True, eq=False)
class RateSweep:
    """What a range test measured: see `backlit.RangeTest`.

    Attributes
    ----------
    rates, losses, smoothed : array (steps,)
        Up to where the loss blew up.
    suggestion : float
        The rate at which the smoothed loss falls fastest over log(rate).
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(suggestion={self.suggestion:.3g}, {len(self.rates)} steps up to {self.rates[-1]:.3g})"


def lr_find(
    network: Layer | Network,
    x: Any,
    y: Any,
    *,
    start: float = 1e-6,
    stop: float = 10.0,
    steps: int = 150,
    **options: Unpack[TrainingOptions],
) -> RateSweep:
    """Learning-rate range test.

    The learning rate grows exponentially from `start` to `stop` over `steps` updates. Where the loss falls
    fastest is a good rate to start from (L. N. Smith, "Cyclical learning rates for training neural
    networks", 2017, arXiv:1506.01186).

    Parameters
    ----------
    network, x, y
        As for `fit`; `network` stays as it is.
    start, stop : float
        First and last learning rate.
    steps : int
        Updates.
    **options
        Of `fit`: loss, optimizer (whose own learning rate isn't used), batch_size, seed, engine, and so on.

    Returns
    -------
    RangeTest
        ``.suggestion``, and ``.plot()`` for the picture.

    Raises
    ------
    InputError
        If the rates aren't 0 < start < stop, or the loss wasn't finite from the start.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 3))
    >>> test = bl.lr_find(bl.Linear(1), x, x.sum(axis=1), optimizer="sgd", steps=50)
    >>> 1e-6 < test.suggestion < 10
    True
    """
    numbers = all(isinstance(rate, (int, float, np.number)) for rate in (start, stop))
    if not numbers or not 0 < start < stop or not np.isfinite(stop):
        raise InputError(f"lr_find needs 0 < start < stop, got start={start!r}, stop={stop!r}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 10:
        raise InputError(f"lr_find needs at least 10 steps, got {steps!r}")
    distributed.join()
    growing = Exponential(float(start), factor=float((stop / start) ** (1 / (steps - 1))))
    training = build(Training, {"metrics": [], "epochs": 1, **options}, "bl.lr_find")
    sweeping = with_learning_rate(get_optimizer(training.optimizer), growing)
    job = prepare(network, x, y, training.replace(optimizer=sweeping))
    settings = job.training.replace(loss=job.loss, optimizer=job.optimizer).to_dict()
    check_same(
        {
            "network": repr(job.network.architecture),
            **decisive({**settings, "data": job.fingerprint(), **job.told}),
            "steps": steps,
            **{name: getattr(training, name) for name in ("devices", "shard")},
        }
    )
    (rows,) = job.batches
    epochs = [rows.epoch(i) for i in range(-(-steps // rows.steps))]
    batches = tree.map(lambda *parts: np.concatenate(parts)[None, :steps], *epochs)
    _, results = job.program.train(job.start, job.data, batches, job.data, None, np.int32(1))
    record = tree.map(np.asarray, results["train"])
    means = tree.map(
        lambda loss, weight: loss.reshape(-1).astype(np.float64) / weight.reshape(-1), record["loss"], record["weight"]
    )
    losses = job.loss.joined(means)
    rates = np.array([float(growing(i)) for i in range(steps)])
    return analyse(rates, losses)


def analyse(rates: np.ndarray, losses: np.ndarray) -> RateSweep:
    """Smooth the losses, cut them where they blew up, and find the steepest fall."""
    finite = np.isfinite(losses)
    end = len(losses) if finite.all() else int(np.argmin(finite))
    if end < 3:
        raise InputError("lr_find: the loss is NaN or infinite from the start; look at the data, or scale it")
    smoothed = np.empty(end)
    average = 0.0
    for i in range(end):
        average = SMOOTHING * average + (1 - SMOOTHING) * losses[i]
        smoothed[i] = average / (1 - SMOOTHING ** (i + 1))
    lowest = np.minimum.accumulate(smoothed)
    blown = smoothed > BLOWN_UP * lowest
    blown[: end // 10] = False
    if blown.any():
        end = max(int(np.argmax(blown)), 3)
    rates, losses, smoothed = rates[:end], losses[:end], smoothed[:end]
    first = min(SETTLING, end - 3)
    valley = max(int(np.argmin(smoothed[first:])), 2) + first
    # Before the fall there is only noise, whose slopes mean nothing: it begins where the loss stays below its level.
    level = float(np.median(smoothed[first : first + (valley - first) // 2 + 1]))
    high = np.flatnonzero(smoothed[first : valley + 1] >= level - BEGUN * (level - smoothed[valley]))
    first = min(first + (int(high[-1]) if len(high) else 0), valley - 2)
    # The fall from each step to one some steps later: from one to the next it is a single batch's.
    apart = min(STRETCH, valley - first)
    fall = smoothed[first : valley + 1 - apart] - smoothed[first + apart : valley + 1]
    return RateSweep(rates, losses, smoothed, float(rates[first + int(np.argmax(fall)) + apart // 2]))


def with_learning_rate(optimizer: Any, schedule: Any) -> Any:
    """The same optimizer with another learning rate, also inside a chain."""
    if hasattr(optimizer, "learning_rate"):
        return dataclasses.replace(optimizer, learning_rate=schedule)
    if isinstance(optimizer, Chain):
        return chain(*(with_learning_rate(part, schedule) for part in optimizer.transforms))
    return optimizer
