"""What a user may say about a training job, as plain data; whatever isn't said is chosen by the data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from backlit.errors import InputError, unknown
from backlit.settings import Range


def choice(default: Any, text: str, **limits: Any) -> Any:
    """A field with what `--help` says of it, and a `Range`."""
    return field(default=default, metadata={"help": text, "range": Range(**limits)})


@dataclass(frozen=True)
class Options:
    """Choices of a training job on a table or data set. None means: chosen by the data.

    Raises
    ------
    InputError
        If a number is out of its range; it is named with the range.
    """

    network: Any = None
    activation: str | None = None
    loss: Any = None
    optimizer: Any = None
    dropout: float | None = choice(None, "Share of units dropped after each hidden layer", high=1.0, open_high=True)
    learning_rate: float | None = choice(None, "Learning rate", open_low=True)
    epochs: int | None = choice(None, "Most passes over the training rows", whole=True, low=1)
    batch_size: int | None = choice(None, "Rows an update", whole=True, low=1)
    patience: int | None = choice(None, "Epochs without improvement before stopping (0 never stops early)", whole=True)
    l2: float = choice(0.0, "Weight of the L2 penalty, λ·ΣW²")
    augment: str | None = None
    ensemble: int | None = choice(None, "Networks trained at once and averaged", whole=True, low=1)
    time_limit: float | None = choice(None, "Seconds for the whole job", open_low=True)
    balance: bool = False
    calibrate: bool = False
    split: tuple[float, ...] = (0.7, 0.15, 0.15)
    seed: int = choice(0, "Origin of all randomness, splits too", whole=True)
    engine: Literal["xla", "numpy"] = "xla"
    devices: int = choice(1, "Devices that share the work on each batch", whole=True, low=1)

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if not f.metadata or value is None:
                continue
            limits = f.metadata["range"]
            accepted = limits.accept(value)
            if accepted is None or accepted == float("inf"):
                raise InputError(f"{f.name} must be {limits.text}, got {value!r}")
            object.__setattr__(self, f.name, accepted)
        if self.engine not in ("xla", "numpy"):
            raise unknown("engine", self.engine, ("xla", "numpy"))
