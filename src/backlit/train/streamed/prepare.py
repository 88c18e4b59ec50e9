"""What training on a stream needs: a first look, the program, and who reads which rows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit import distributed
from backlit import engine as engines
from backlit.data.frames import some_rows
from backlit.data.streams import as_stream, parts
from backlit.errors import InputError, about
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.shapes import rows_of
from backlit.optim import get as get_optimizer
from backlit.optim import scheduled
from backlit.train.batches import Batches
from backlit.train.ensemble import drawn, member_seeds
from backlit.train.examples import Examples, Split, examples_of
from backlit.train.freezing import frozen
from backlit.train.inputs import outcomes_of, preparation_for
from backlit.train.mixup import create as create_mixup
from backlit.train.numbers import apart
from backlit.train.prepare import Job, carries_state, clipped
from backlit.train.program import program_for
from backlit.train.scores import need_outputs
from backlit.train.streamed.ahead import Ahead
from backlit.train.streamed.blocks import END, Block, Maker
from backlit.train.streamed.reader import Reader, Rows, blocks_of, reading, unpacked
from backlit.train.streamed.shares import Shares
from backlit.train.streamed.sharing import Sharing
from backlit.train.streamed.sources import FORM, needs_all_rows
from backlit.train.streamed.survey import LEARNED, Survey, survey, wanted
from backlit.train.streamed.tallies import rounded
from backlit.train.training import Training

CACHED = 64 * 2**20  # bytes of held-out rows that stay on the device from epoch to epoch
SURVEYED = 1 << 16  # rows that a first look takes, at least, of a stream that needn't end
SLICE = 1 << 13  # rows of validation data in memory that are prepared at once
LONG = 1000  # updates that an epoch is thought to have where the stream doesn't tell


@dataclass(frozen=True, eq=False)
class StreamJob(Job):
    """A `Job` whose rows come from a stream; its examples and batches are of the rows that were kept aside.

    Attributes
    ----------
    stream : Stream
    cuts, maker :
        The rows of its blocks, and what makes blocks for the program of them.
    held_cuts, held_maker :
        The same of the validation's stream; None without.
    sharing : Sharing
    told : dict
        What the settings tell of the stream.
    """

    stream: Any = None
    cuts: Any = None
    maker: Any = None
    held_cuts: Any = None
    held_maker: Any = None
    sharing: Any = None
    told: Any = None

    def fingerprint(self) -> str:
        """What tells this stream from another, as far as the stream says."""
        return fingerprint_of(self.stream)

    def has_data(self, saved: object) -> bool:
        """Whether a saved fingerprint is that of the stream."""
        return saved is None or saved == self.fingerprint()

    def blocks(self, epoch: int, given_up: Callable[[], bool] | None = None) -> Ahead[Block | None]:
        """The blocks of training from an epoch on, made by a thread: see `Ahead`."""
        return Ahead(_made(self.cuts.since(epoch), self.maker), given_up=given_up)

    def held_blocks(self) -> Iterator[Block | None]:
        """The validation's blocks, and END."""
        for block in _made(self.held_cuts.since(0), self.held_maker):
            yield block
            if block is END:  # what follows is another pass
                return


def _made(cuts: Iterator[Any], maker: Maker) -> Iterator[Block | None]:
    for cut in cuts:
        yield None if cut is None else maker.made(cut)


def fingerprint_of(stream: Any) -> str:
    """What tells a stream from another: its `state`, hashed."""
    state = json.dumps(stream.state(), sort_keys=True, default=str)
    return FORM + hashlib.sha256(state.encode()).hexdigest()[:16]


def prepare_stream(network: Layer | Network, stream: Any, training: Training) -> StreamJob:
    """Take a first look at the stream, check everything, and compile nothing yet.

    Raises
    ------
    ShapeError, InputError
        If network, stream and options don't fit together, or an option needs all rows at once.
    """
    _refuse(stream, training)
    stream, held = _held(stream, training)
    first = _first(stream)
    training = training.replace(preparation=preparation_for(network, training.preparation, first[0]))
    alone = training.replace(
        validation=None, class_weight=None, standardize_targets=False, ensemble=1, sample_weight=first[2]
    )
    with about("the stream, block 1 of pass 1"):
        examples = examples_of(network, first[0], first[1], alone)
    known = _survey(stream, examples, training)
    targets = _targets(examples, known, stream, training)
    training = training.replace(class_weight=_class_weight(targets, known, stream, training))
    reader = Reader(examples.network, targets, training)
    kept = known.sample(stream, reader)
    return _job(network, _Known(stream, held, known.rows, targets, reader, kept, examples), training)


@dataclass(frozen=True, eq=False)
class _Known:
    """What the first look at a stream gave."""

    stream: Any
    held: Any
    rows: int | None
    targets: Any
    reader: Reader
    kept: Rows
    examples: Examples  # of the first block


def _refuse(stream: Any, training: Training) -> None:
    """Refuse options that need all rows at once, by name."""
    reason = needs_all_rows(training)
    if reason is not None:
        raise InputError(reason)
    if training.sample_weight is not None and getattr(stream, "weights", None) is None:  # of arrays it has them
        raise InputError("sample_weight: a stream gives weights with its rows: yield (x, y, weights)")


def _held(stream: Any, training: Training) -> tuple[Any, Any]:
    """The stream of training and that of validation, if there is one."""
    validation = training.validation
    if validation is None:
        return stream, None
    if isinstance(validation, (int, float)) and not isinstance(validation, bool):
        if not 0 < validation < 1:
            raise InputError(f"validation={validation!r}: a share must lie between 0 and 1, 0.2 say")
        split = parts(stream, validation=float(validation), test=0.0, seed=training.seed)
        return split.train, split.validation
    with about("validation data"):
        if isinstance(validation, (tuple, list)) and len(validation) == 2:
            return stream, _Whole(*validation)
        held = as_stream(validation)
        if held is None:
            got = type(validation).__name__
            raise InputError(f"expected a share such as 0.2, a stream or a pair (x, y), got {got}")
    return stream, held


@dataclass(frozen=True, eq=False)
class _Whole:
    """Rows in memory as a stream: what is made of them is made of some at a time."""

    x: Any
    y: Any

    def batches(self, epoch: int, shard: int = 0, shards: int = 1) -> Iterator[Any]:
        rows = rows_of(self.y)
        if shards == 1 and rows <= SLICE:
            yield self.x, self.y
            return
        first, end = rows * shard // shards, rows * (shard + 1) // shards
        for start in range(first, end, SLICE):
            places = np.arange(start, min(start + SLICE, end))
            yield some_rows(self.x, places), some_rows(self.y, places)

    def state(self) -> dict[str, Any]:
        return {}


def _first(stream: Any) -> tuple[Any, Any, Any]:
    """The first rows of a stream."""
    for place, block in blocks_of(stream, 0, 0, 1, "the stream"):
        with reading(place):
            x, y, weights = unpacked(block)
            y_part = next(iter(y.values())) if isinstance(y, Mapping) else y
            if len(y_part):
                return x, y, weights
    raise InputError("the stream ended at once: there are no rows to train on")


def _survey(stream: Any, examples: Examples, training: Training) -> Survey:
    """What all rows have to be read for; nothing that the stream tells itself."""
    heads = examples.targets.heads if examples.targets.kind == "heads" else {"": examples.targets}
    learned = training.encoding is None
    kinds = {name: wanted(own.kind, training.standardize_targets) if learned else "" for name, own in heads.items()}
    if getattr(stream, "classes", None) is not None:
        kinds = {name: "" if kind in LEARNED else kind for name, kind in kinds.items()}
    if getattr(stream, "target_moments", None) is not None:
        kinds = {name: "" if kind == "number" else kind for name, kind in kinds.items()}
    counted = getattr(stream, "rows", None) is not None or training.steps_per_epoch is not None
    passing = any(kinds.values()) or not counted
    if training.class_weight == "balanced" and getattr(stream, "class_counts", None) is None:
        kinds, passing = {name: "class" if own.kind in LEARNED else kinds[name] for name, own in heads.items()}, True

    def outcomes(x: Any, y: Any) -> Any:
        return outcomes_of(examples.network.output_names, training.preparation, x, y, None)

    endless = getattr(stream, "rows", None) is None and training.steps_per_epoch is not None
    epoch = int(training.batch_size or 1) * training.accumulate * (training.steps_per_epoch or 1)
    return survey(stream, kinds, passing, outcomes, training.seed, max(SURVEYED, epoch) if endless else None)


def _targets(examples: Examples, known: Survey, stream: Any, training: Training) -> Any:
    """How targets are encoded, by all rows: `examples` has but those of the first block."""
    if training.encoding is not None:
        return training.encoding
    if examples.targets.kind != "heads":
        moments = getattr(stream, "target_moments", None)
        classes = getattr(stream, "classes", None)
        return _by_all(examples.targets, examples.loss, known.heads[""], training, classes, moments)
    heads = {}
    for name, own in examples.targets.heads.items():
        with about(f"output {name!r}"):
            heads[name] = _by_all(own, examples.loss.losses[name], known.heads[name], training, None, None)
    return dataclasses.replace(examples.targets, heads=heads)


def _by_all(targets: Any, loss: Any, head: Any, training: Training, classes: Any, moments: Any) -> Any:
    if targets.kind in LEARNED:
        distinct = np.array(list(head.classes) if classes is None else list(classes))
        if len(targets.outputs) > 1:  # a class for each step of a sequence
            steps = int(np.prod(targets.outputs[:-1]))
            distinct = np.resize(distinct, (-(-len(distinct) // steps), *targets.outputs[:-1]))
        return type(targets).learn(distinct, targets.kind, targets.outputs, loss)
    if training.standardize_targets and targets.kind == "number":
        mean, std = (head.mean, head.std) if moments is None else map(np.asarray, moments)
        scale = np.where(np.asarray(std) > 0, std, 1.0)
        shift, spread = (tuple(np.ravel(part).astype(float).tolist()) for part in (mean, scale))
        return dataclasses.replace(targets, shift=shift, scale=spread)
    return targets


def _class_weight(targets: Any, known: Survey, stream: Any, training: Training) -> Any:
    """Weights by class; "balanced" by the counts of all rows."""

    def balanced(own: Any, head: Any, counts: Any) -> dict[Any, float]:
        if own.labels is None:
            raise InputError("class_weight needs class targets; use weights beside the rows for numbers")
        classes = own.labels.classes
        by_class = dict(zip(classes, counts, strict=True)) if counts is not None else head.classes
        whole = sum(by_class.values())
        return {label: whole / (len(classes) * max(1, by_class.get(label, 0))) for label in classes}

    given = training.class_weight
    if targets.kind == "heads" and isinstance(given, Mapping):
        return {
            name: balanced(targets.heads[name], known.heads[name], None) if own == "balanced" else own
            for name, own in given.items()
            if name in targets.heads
        } or given
    if given == "balanced" and targets.kind != "heads":
        return balanced(targets, known.heads[""], getattr(stream, "class_counts", None))
    return given


def _job(network: Layer | Network, known: _Known, training: Training) -> StreamJob:
    examples = known.examples
    built, metrics = examples.network, examples.metrics
    sharing = Sharing(
        engines.get(training.engine, training.devices, together=True), distributed.index(), distributed.count()
    )
    seeds = member_seeds(training.seed, training.ensemble)
    carried = carries_state(built.architecture)
    size = _size(training, known.rows)
    shares = Shares(sharing, training, carried, known.kept)
    nbytes = sum(part[:1].nbytes for part in tree.leaves((known.kept.x, known.kept.y)))
    layout = shares.layout(size, training.accumulate, nbytes, training.steps_per_epoch)
    passes = shares.passes(known.stream, layout, known.rows, "the stream")
    whole = None if known.rows is None else -(-known.rows // (size * training.accumulate))
    steps = training.steps_per_epoch or passes.updates or whole or LONG
    collect = need_outputs(metrics)
    optimizer = scheduled(get_optimizer(training.optimizer), training.schedule, steps, training.epochs)
    optimizer = frozen(clipped(optimizer, built.architecture, training.clip), built, training.freeze)
    (form, rates), (penalty, strengths) = apart(optimizer), apart(training.penalty)
    architecture, of_layers = apart(built.architecture)
    numbers: dict[str, Any] = {"architecture": of_layers, "optimizer": rates, "penalty": strengths}
    if training.ensemble > 1:
        numbers = tree.map(lambda number: np.full(training.ensemble, number), numbers)
    program = program_for(
        architecture=architecture, input_shape=built.input_shape, loss=examples.loss, optimizer=form,
        engine=sharing.engine, penalty=penalty, reduction=training.reduction, full_batch=False, collect=collect,
        length=layout.updates, members=training.ensemble, shard=training.shard,
        precision=training.precision,
    )  # fmt: skip
    shuffled: list[int | None] = [seed if training.shuffle and not carried else None for seed in seeds]
    numbered = built.architecture.takes_integers and not _pictures(known.kept.x)
    mixup = [create_mixup(training.mixup, seed, numbered) for seed in seeds]
    held_reader, held_kept = _held_reader(known, training)
    held_layout = shares.held_layout(size, nbytes)
    sample = _sampled(known, held_kept, training)
    held_cuts = None
    if held_reader is not None:
        held_passes = shares.passes(known.held, held_layout, getattr(known.held, "rows", None), "validation data")
        held_cuts = shares.cuts(known.held, held_reader, held_layout, held_passes)
    return StreamJob(
        examples=sample,
        training=training,
        optimizer=optimizer,
        program=program,
        data={"numbers": numbers},
        validation_data={},
        batches=[
            Batches(rows, size, sample.weights, accumulate=training.accumulate, updates=steps, carried=carried)
            for rows in sample.split.training
        ],
        validation=None if held_kept is None else [Batches(rows, size) for rows in sample.split.validation or ()],
        start=program.start(drawn(network, built, seeds), seeds),
        stream=known.stream,
        cuts=shares.cuts(known.stream, known.reader, layout, passes),
        maker=Maker(layout, shuffled, carried, mixup, sharing),
        held_cuts=held_cuts,
        held_maker=Maker(held_layout, [None], carried, [None], sharing, steps=False),
        sharing=sharing,
        told={
            "streamed_rows": known.rows or 0,
            "block_rows": layout.updates * size * training.accumulate,
            **rounded(metrics),
        },
    )  # fmt: skip


def _size(training: Training, rows: int | None) -> int:
    """Rows of a batch: no more than there are."""
    size = int(training.batch_size or 1)
    return size if rows is None else min(size, rows)


def _pictures(x: Any) -> bool:
    return all(part.dtype == np.uint8 for part in tree.leaves(x))


def _held_reader(known: _Known, training: Training) -> tuple[Reader | None, Rows | None]:
    """What reads rows that are held back, and the first of them."""
    if known.held is None:
        return None, None
    reader = Reader(known.reader.network, known.targets, training.replace(class_weight=None), held=True)
    for place, block in blocks_of(known.held, 0, 0, 1, "validation data"):
        with reading(place):
            rows = reader.read(block)
        if len(rows):
            return reader, rows.part(0, len(known.kept))
    raise InputError("validation data: the stream ended at once: there are no rows to judge by")


def _sampled(known: _Known, held: Rows | None, training: Training) -> Examples:
    """Examples of the rows that were kept aside: those that probes and the doctor look at."""
    kept, members = known.kept, training.ensemble
    everything = np.arange(len(kept))
    return dataclasses.replace(
        known.examples,
        targets=known.targets,
        inputs=kept.x,
        encoded=kept.y,
        weights=kept.weights,
        by_head=kept.by_head,
        split=Split(
            [everything] * members,
            None if held is None else [np.arange(len(held))] * members,
            kept.x if held is None else held.x,
            kept.y if held is None else held.y,
        ),
    )
