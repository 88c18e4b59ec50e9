"""The options of `Training` as type checkers and editors see them, in the signature of whatever takes them.

Type checkers don't run code, so that names and types stand here once more; a test holds them to the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from backlit.data.streams import Stream
    from backlit.nn.losses.base import Loss
    from backlit.nn.penalties import Penalty
    from backlit.optim.transform import Transform
    from backlit.train.callbacks import Callback, EarlyStopping
    from backlit.train.ensemble import Folds
    from backlit.train.keeping import Checkpoint
    from backlit.train.probes.settings import Probes


class TrainingOptions(TypedDict, total=False):
    """Options of `fit`: see `Training`."""

    loss: str | Loss | Callable[..., Any] | Mapping[str, str | Loss | Callable[..., Any]] | None
    loss_weights: Mapping[str, float] | None
    optimizer: str | Transform
    schedule: str | None
    epochs: int
    until_loss: float | None
    batch_size: int | Literal["full"] | None
    validation: float | tuple[Any, Any] | Folds | Stream | None
    seed: int
    metrics: Sequence[str | Callable[..., Any]] | Mapping[str, Any] | str | Callable[..., Any] | None
    penalty: Penalty | Callable[..., Any] | None
    sample_weight: Sequence[float] | np.ndarray | Mapping[str, Any] | None
    class_weight: str | Mapping[Any, Any] | None
    early_stopping: EarlyStopping | int | None
    callbacks: Sequence[Callback] | Callback | None
    accumulate: int
    reduction: Literal["mean", "sum"]
    shuffle: bool
    engine: Literal["xla", "numpy"]
    dtype: Literal["float32", "float64"]
    precision: Literal["bfloat16"] | None
    preparation: Any
    standardize_targets: bool
    checkpoint: str | Path | Checkpoint | None
    checkpoint_every: int | None
    resume: bool
    overwrite: bool
    progress: bool | None
    chunk: int | None
    strict: bool
    config: dict[str, Any] | None
    ensemble: int
    time_limit: float | None
    clip: float | Literal["auto"] | None
    freeze: Sequence[str] | str
    steps_per_epoch: int | None
    encoding: Any
    mixup: float
    probes: Probes | Literal["standard"] | None
    devices: int
    shard: Literal["optimizer", "parameters"] | None
    average_every: int | None
    stream: bool | None
