"""What a training run needs: its examples, the program that it runs, and the data on the device."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import distributed
from backlit import engine as engines
from backlit.errors import BacklitWarning, InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import size_of
from backlit.nn.spec.transformer import attentions
from backlit.optim import Chain, ClipGlobalNorm, ClipNorm, ClipValue, as_transform, chain, scheduled
from backlit.optim import get as get_optimizer
from backlit.train.averaging import check_averaging
from backlit.train.batches import Batches
from backlit.train.ensemble import drawn, member_seeds
from backlit.train.exact import solved
from backlit.train.examples import Examples, examples_of
from backlit.train.fingerprint import fingerprint, same_data
from backlit.train.freezing import frozen
from backlit.train.mixup import create as create_mixup
from backlit.train.numbers import apart
from backlit.train.program import Data, Program, TrainState, program_for
from backlit.train.scores import need_outputs
from backlit.train.training import Training

CLIP = 1.0  # norm to which gradients of recurrent networks are clipped
VALIDATION_ROWS = 1024  # in a batch of validation rows, at least, if there are so many
MAX_BYTES = 32 * 2**20  # of row numbers and outputs that one call of the program may take and return
MOST_FILLED = 64 * 2**20  # bytes of rows that are copied to be filled up; compiling again is little beside more
MAX_STEPS = 4096  # updates in one call of the program


@dataclass(frozen=True, eq=False)
class Job:
    """Everything that training needs, checked and prepared.

    Attributes
    ----------
    examples : Examples
    training : Training
    optimizer : Transform
        Behind a clipping if there is one.
    program : Program
    data, validation_data : dict
        On the device: all rows, and those that `validation` numbers; beside them what the program takes as numbers.
    batches : list of Batches
        One a member.
    validation : list of Batches or None
    start : dict
        The train state before the first update.
    """

    examples: Examples
    training: Training
    optimizer: Any
    program: Program
    data: Data
    validation_data: Data
    batches: list[Batches]
    validation: list[Batches] | None
    start: TrainState

    @functools.cached_property
    def held(self) -> list[dict[str, np.ndarray]] | None:
        """The batches of the validation rows, the same in every epoch, of each member."""
        return None if self.validation is None else [each.epoch(0) for each in self.validation]

    @functools.cached_property
    def output_shape(self) -> Any:
        """Shape of one output, or of each by name: every epoch's scores ask for it."""
        return self.network.output_shape

    @property
    def told(self) -> dict[str, Any]:
        """What the settings tell of the data besides its fingerprint."""
        return {}

    def fingerprint(self) -> str:
        """What tells this run's data from another's."""
        return fingerprint(self.examples)

    def has_data(self, saved: object) -> bool:
        """Whether a saved fingerprint is that of this run's data; also where none was saved."""
        return same_data(saved, self.examples)

    @property
    def network(self) -> Network:
        """The network as training begins."""
        return self.examples.network

    @property
    def loss(self) -> Any:
        """What is minimised."""
        return self.examples.loss

    @property
    def targets(self) -> Any:
        """How targets are encoded."""
        return self.examples.targets

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics by name."""
        return self.examples.metrics


def prepare(network: Layer | Network, x: Any, y: Any, training: Training) -> Job:
    """Check everything, then put the data on the device: mistakes are told before anything slow happens.

    Raises
    ------
    ShapeError, InputError
        If network, data and options don't fit together.
    """
    examples = examples_of(network, x, y, training)
    built, split = examples.network, examples.split
    seeds = member_seeds(training.seed, training.ensemble)
    batches, validation = _batches(examples, training, seeds)
    collect = need_outputs(examples.metrics)
    outputs = size_of(built.output_shape) if collect else 0
    epochs = _room(batches, validation, outputs, training.epochs) if training.chunk is None else training.chunk
    engine = engines.get(training.engine, training.devices, together=True)
    optimizer = get_optimizer(training.optimizer)
    check_averaging(
        training,
        whole=bool(as_transform(optimizer).option("whole")),
        exact=is_exact(optimizer),
        carried=batches[0].carried,
    )
    _tell_of_one_device(training, engine.devices)
    if as_transform(optimizer).option("whole") and not batches[0].full:
        raise InputError(
            f"{optimizer!r} needs all rows in every update: batch_size='full' (--batch-size full), "
            f"not batches of {batches[0].size} of {len(batches[0].rows)} rows"
        )
    optimizer = scheduled(optimizer, training.schedule, batches[0].steps, training.epochs)
    networks = drawn(network, built, seeds)
    if is_exact(optimizer):
        networks = solved(networks, examples, training)
    optimizer = frozen(clipped(optimizer, built.architecture, training.clip), built, training.freeze)
    (form, rates), (penalty, strengths) = apart(optimizer), apart(training.penalty)
    architecture, shares = apart(built.architecture)
    program = program_for(
        architecture=architecture,
        input_shape=built.input_shape,
        loss=examples.loss,
        optimizer=form,
        engine=engine,
        penalty=penalty,
        reduction=training.reduction,
        full_batch=batches[0].full,
        collect=collect,
        length=min(epochs, training.epochs),
        members=training.ensemble,
        shard=training.shard,
        precision=training.precision,
        average_every=training.average_every if engine.devices > 1 else None,
    )
    numbers: dict[str, Any] = {"architecture": shares, "optimizer": rates, "penalty": strengths}
    if training.ensemble > 1:
        numbers = tree.map(lambda number: np.full(training.ensemble, number), numbers)
    rows = {"x": examples.inputs, "y": examples.encoded, "weights": examples.by_head}
    data = {**_put(engine, rows), "numbers": numbers}
    separate = split.inputs is not examples.inputs  # validation data of the user's own
    other = {"x": split.inputs, "y": split.encoded, "weights": None}
    return Job(
        examples=examples,
        training=training,
        optimizer=optimizer,
        program=program,
        data=data,
        validation_data=_put(engine, other) if separate else data,
        batches=batches,
        validation=validation,
        start=program.start(networks, seeds),
    )


def _put(engine: Any, data: Data) -> Data:
    """Rows on the device, filled up to a number that other trainings are likely to have as well."""

    def put(rows: np.ndarray) -> Any:
        surplus = alike(len(rows)) - len(rows)
        if surplus and rows.nbytes <= MOST_FILLED:
            rows = np.concatenate([rows, np.zeros((surplus, *rows.shape[1:]), rows.dtype)])
        return engine.put(rows)

    return {name: tree.map(put, part) for name, part in data.items()}


def alike(rows: int) -> int:
    """The next of the numbers that differ by an eighth to a sixteenth: programs are compiled for these alone.

    So the folds of a cross-validation, one row more or less, run the same program.

    >>> [alike(rows) for rows in (10, 143, 144, 1437, 1438)]
    [10, 144, 144, 1536, 1536]
    """
    step = 1 << max(0, rows.bit_length() - 4)
    return -(-rows // step) * step


def _batches(examples: Examples, training: Training, seeds: list[int]) -> tuple[list[Batches], list[Batches] | None]:
    """Batches of training and validation rows, of each member."""
    devices = training.devices * distributed.count()
    architecture, split, weights = examples.network.architecture, examples.split, examples.weights
    fewest = min(map(len, split.training))
    size = min(training.batch_size, fewest) if isinstance(training.batch_size, int) else fewest
    carried = carries_state(architecture)
    size = divisible(size, training.devices, whole=size == fewest and not carried)
    pictures = all(part.dtype == np.uint8 for part in tree.leaves(examples.inputs))
    numbered = architecture.takes_integers and not pictures
    batches = [
        Batches(
            rows,
            size,
            weights=None if weights is None else weights[rows],
            seed=seed if training.shuffle and not carried else None,
            accumulate=training.accumulate,
            updates=training.steps_per_epoch,
            carried=carried,
            mixup=create_mixup(training.mixup, seed, numbered),
            width=None if carried else size + -size % devices,
        )
        for rows, seed in zip(split.training, seeds, strict=True)
    ]
    if split.validation is None:
        return batches, None

    def validation_size(rows: int) -> int:
        return size if carried else divisible(min(alike(rows), max(size, VALIDATION_ROWS)), devices, whole=True)

    return batches, [Batches(rows, validation_size(len(rows)), carried=carried) for rows in split.validation]


def _room(batches: list[Batches], validation: list[Batches] | None, outputs: int, epochs: int) -> int:
    """Epochs that one call of the program should have room for: few enough for memory, many enough to be worth it.

    `outputs` counts the numbers that are returned for each row.
    """
    rows = sum(member.steps * member.accumulate * member.size for member in batches)
    validation_rows = sum(len(member.rows) for member in validation) if validation else 0
    bytes_of_row = 8 if batches[0].mixup is None else 12  # its number and weight, and with whom it is mixed
    fitting = MAX_BYTES // (rows * bytes_of_row + (rows + validation_rows) * outputs * 4)
    return int(max(1, min(fitting, MAX_STEPS // batches[0].steps, epochs)))


def _tell_of_one_device(training: Training, devices: int) -> None:
    """What is of several devices changes nothing on one."""
    if devices > 1:
        return
    for name in ("shard", "average_every"):
        value = getattr(training, name)
        if value is not None:
            told = f"{name}={value!r} changes nothing on one device: give devices=2 or more (--devices 2)"
            warnings.warn(told, BacklitWarning, stacklevel=3)


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


def is_exact(optimizer: Any) -> bool:
    """Whether an optimizer, or its name, means that the minimum is computed rather than descended to."""
    return bool(as_transform(get_optimizer(optimizer)).option("exact"))


def carries_state(layer: Layer) -> bool:
    """Whether a layer, or a part of it, goes on from the state that the batch before ended with."""
    return any(getattr(part, "stateful", 0) for _, part in layer.walk())


def clipped(optimizer: Any, architecture: Layer, clip: float | str | None) -> Any:
    """The optimizer behind a clipping of the gradients: by default for recurrent networks, unless it has one."""
    auto = isinstance(clip, str) and clip == "auto"
    if clip is None or (auto and (_clips(optimizer) or not _wild(architecture))):
        return optimizer
    if isinstance(clip, bool) or not (auto or (isinstance(clip, (int, float)) and 0 < clip < np.inf)):
        raise InputError(f"clip must be a gradient norm above 0, 'auto' or None, got {clip!r}")
    return chain(ClipGlobalNorm(CLIP if auto else float(clip)), optimizer)


def _wild(architecture: Layer) -> bool:
    """Whether one sequence may make the gradient arbitrarily large: of recurrent networks, and of Transformers."""
    return is_recurrent(architecture) or bool(attentions(architecture))


def is_recurrent(layer: Layer) -> bool:
    """Whether a layer, or a part of it, is recurrent."""
    return any(part.recurrent for _, part in layer.walk())


def _clips(optimizer: Any) -> bool:
    inside = optimizer.transforms if isinstance(optimizer, Chain) else ()
    return isinstance(optimizer, (ClipGlobalNorm, ClipNorm, ClipValue)) or any(map(_clips, inside))
