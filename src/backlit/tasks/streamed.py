"""Tables that don't fit into memory: one pass to understand them, then training, judging and predicting by blocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from backlit import bounds
from backlit.data.pictures.folder import has_pictures
from backlit.data.streams import Understanding, open_table, understand
from backlit.data.streams.found import holds_streamable, is_pattern, is_streamable
from backlit.data.table.audit import suspicions
from backlit.data.table.target import as_names
from backlit.errors import InputError
from backlit.languages import Template
from backlit.settings import option
from backlit.tasks.judge.in_blocks import judge_in_blocks
from backlit.tasks.options import DATA, Call, Options
from backlit.tasks.plan import UPDATES, plan_for, resolved
from backlit.tasks.table import Table, TableTask
from backlit.tasks.task import Plan, Progress, seconds_left
from backlit.tasks.warm_up import warm_up_told
from backlit.train.callbacks import EarlyStopping
from backlit.train.recipe import Recipe
from backlit.train.result import Result
from backlit.train.streamed.reader import blocks_of, reading, unpacked
from backlit.train.streamed.tallies import Sample
from backlit.train.training import Training

HELD, HELD_BYTES = 100_000, 256 * 2**20  # rows by which epochs are compared, and their bytes, at most
EPOCH = 2000  # updates that an epoch has at most: often enough to be judged, stopped and written

STREAMED = Template(
    "read as a stream, {rows:,} rows in {files} {noun} ({size}): never held in memory as a whole",
    "스트림으로 읽습니다. 파일 {files}개의 {rows:,}행({size})이며 전체를 메모리에 올리지 않습니다.",
)
SHARE_OF_PASS = Template(
    "an epoch is {steps:,} updates, 1/{parts} of a pass over the training rows",
    "한 에포크는 갱신 {steps:,}번이며 학습 데이터 전체의 1/{parts}입니다.",
)
FEWER = Template(
    "epochs are compared by a sample of {kept:,} of the {rows:,} validation rows",
    "에포크는 검증 데이터 {rows:,}행 가운데 표본 {kept:,}행으로 비교합니다.",
)
ROUNDED = Template(
    "{names}: of more than 65,000 rows measured from a histogram of the scores, off by a thousandth at most",
    "{names}: 65,000행이 넘으면 점수의 히스토그램으로 계산하며 오차는 최대 0.001입니다.",
)
SAMPLED = Template("{names}: measured on a sample of the rows", "{names}: 전체가 아니라 표본에서 계산했습니다.")


@dataclass(eq=False)
class Streamed(Table):
    """A table that is read in pieces; what is known of it comes when it is understood."""

    table: Any = None
    progress: Progress | None = None


@dataclass(frozen=True, repr=False)
class StreamedTask(TableTask):
    """Tables that are read in pieces in each epoch, as large as may be.

    Parameters
    ----------
    stream : bool
        Read the table in pieces, whatever its size.
    """

    kind = "tables read as a stream"
    hint = "give --stream"
    reasons: ClassVar[Mapping[str, str]] = MappingProxyType({})

    stream: bool = option(
        False,
        panel=DATA,
        help="Read DATA in pieces in each epoch, never as a whole. So are patterns ('parts/*.parquet'), folders of "
        "tables, and files larger than the limit 'memory' (1 GB)",
    )

    def check(self, options: Options) -> None:
        """Refuse what needs all rows at once, by name."""
        super().check(options)
        if self.test is not None:
            raise InputError(
                "--test names a file of its own; of a stream a share of the rows is judged on (--split 70/15/15), or "
                "the latest of them (--time): leave --test out"
            )
        if options.batch_size == "full":
            raise InputError("--batch-size full takes all rows at once, which a stream never has: give a number")
        if options.calibrate:
            raise InputError("--calibrate needs all validation rows at once, which a stream never has: leave it out")

    def read(self, data: Any, progress: Progress | None = None) -> Streamed:
        """The table, opened: only heads are read."""
        if data == "-":
            raise InputError("standard input can't be a stream, since each epoch reads it anew: save it as a file")
        table = open_table(data, **self.reading)
        return Streamed(table.name, None, np.zeros(0), "", table=table, progress=progress)

    def common(self, material: Streamed, options: Options) -> Any:
        """Nothing: the table is read anew."""
        del material, options
        return None

    def recipe(self, material: Streamed, options: Options, call: Call) -> tuple[Recipe, dict[str, Any]]:
        """What is trained on the training rows, and judged on the others."""
        self.check(options)
        wishes = dict(self.columns or {})
        found = understand(
            material.table, as_names(self.target), progress=material.progress, task=self.task, split=options.split,
            seed=options.seed, group=self.group, time=self.time, wishes=wishes,
        )  # fmt: skip
        known = dataclasses.replace(
            material, raw=found.sample, y=found.sample_y, task=found.goal.task, of=found.train.rows,
            classes=None if found.classes is None else len(found.classes),
        )  # fmt: skip
        if options.balance and known.task != "classification":
            raise InputError("balance weighs classes; the target holds numbers or several labels")
        notes = [_told(material.table, found), *found.notes, *_suspicions(found)]
        notes += warm_up_told(options.network, options)
        held = _held(found, options.seed)
        if held is not found.validation:
            notes.append(FEWER.say(kept=len(held[1]), rows=found.validation.rows))
        rows = np.arange(len(found.sample_y))
        members = options.ensemble or 1
        plan = plan_for(self, known, rows, found.preparation, options, members)
        if plan.batch_size is None or getattr(plan.optimizer, "exact", False):
            raise InputError(
                f"optimizer {options.optimizer!r} needs all rows at once, which a stream never has: choose adam, sgd "
                "or another that goes by batches"
            )
        plan, passes, steps = _epochs(plan, found.train.rows, options)
        if steps is not None:
            notes.append(SHARE_OF_PASS.say(steps=steps, parts=plan.epochs // passes))
        call.tell(notes)
        training = Training(
            loss=plan.loss, optimizer=plan.optimizer, epochs=plan.epochs, batch_size=plan.batch_size,
            validation=held, preparation=found.preparation, seed=options.seed, penalty=plan.penalty,
            class_weight="balanced" if options.balance else None, steps_per_epoch=steps,
            early_stopping=EarlyStopping(plan.patience) if plan.patience else None,
            engine=options.engine, precision=options.precision, devices=options.devices, shard=options.shard,
            standardize_targets=known.task == "regression" and options.output_activation is None,
            ensemble=members, mixup=plan.mixup, schedule=plan.schedule, time_limit=seconds_left(options, call),
        )  # fmt: skip

        def finish(run: Result) -> Result:
            return _judged(run, found, known.task, plan, notes)

        told = {**resolved(plan, options), "epochs": passes, "stream": True}
        return Recipe(plan.network, found.train, None, training, finish), told


def _epochs(plan: Plan, rows: int, options: Options) -> tuple[Plan, int, int | None]:
    """The plan in epochs that are no longer than `EPOCH` updates; passes, and updates of an epoch if it is no pass."""
    updates = -(-rows // int(plan.batch_size or rows))
    parts = -(-updates // EPOCH)
    if parts == 1:
        return plan, plan.epochs, None
    passes = options.epochs or max(1, round(UPDATES / updates))
    epochs = passes * parts
    patience = plan.patience if options.patience is not None or not plan.patience else max(plan.patience, epochs // 4)
    return dataclasses.replace(plan, epochs=epochs, patience=patience), passes, -(-updates // parts)


def _held(found: Understanding, seed: int) -> Any:
    """What each epoch is judged on: the validation rows, or of very many a sample that is read once.

    They stand all over the files: to read them is to read everything.
    """
    bytes_of_row = max(1, found.sample.estimated_size() // max(1, found.sample.height))
    most = min(HELD, max(1, HELD_BYTES // bytes_of_row))
    if (found.validation.rows or 0) <= most:
        return found.validation
    import polars as pl

    sample, frames, targets = Sample(most, (seed, 0x4E1D)), [], []
    for place, block in blocks_of(found.validation, 0, 0, 1, "validation data"):
        with reading(place):
            x, y, _ = unpacked(block)
            places = sample.chosen(len(y))
            if len(places):
                frames.append(x[places])
                targets.append(y[places])
    kept = sample.least()
    return pl.concat(frames)[kept], np.concatenate(targets)[kept]


def _told(table: Any, found: Understanding) -> Any:
    files = len(getattr(table, "files", None) or [table])
    size = getattr(table, "bytes", None)
    noun = "file" if files == 1 else "files"
    return STREAMED.say(rows=found.rows, files=files, noun=noun, size=_size(size))


def _size(count: int | None) -> str:
    return "" if count is None else f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"


def _suspicions(found: Understanding) -> list[Any]:
    """What looks too good to be true, by the rows that were kept aside."""
    if found.test_sample is None or not len(found.test_sample_y):
        return []
    import polars as pl

    whole = pl.concat([found.sample, found.test_sample])
    y = np.concatenate([found.sample_y, found.test_sample_y])
    train, test = np.arange(len(found.sample_y)), np.arange(len(found.sample_y), len(y))
    return list(suspicions(whole, found.preparation, y, train, test, None))


def _judged(run: Result, found: Understanding, task: str, plan: Plan, notes: Sequence[Any]) -> Result:
    """The run with its scores on the test rows, block by block."""
    tested = bool(found.test.rows)
    judgement = judge_in_blocks(run, task, found.test if tested else found.validation, found)
    more = list(notes)
    settings = run.settings
    for name, template in (("by_histogram", ROUNDED), ("by_sample", SAMPLED)):
        if settings.get(name):
            more.append(template.say(names=", ".join(settings[name])))
    run.judgement = judgement.replace(
        judged_on="test" if tested else "validation",
        parts={"training": found.train.rows, "validation": found.validation.rows, "test": found.test.rows or 0},
        plan=plan.describe(),
        notes=[*more, *(judgement.notes or ())],
    )
    return run


def wants_stream(name: str, asked: bool) -> bool:
    """Whether DATA is read as a stream: asked for, several files, or larger than the limit "memory".

    A folder is one if there are tables in it, or in folders within it, and no picture: beside pictures a table is about
    them.
    """
    path = Path(name)
    try:
        if path.is_dir():
            return not has_pictures(path) and holds_streamable(path)
        if path.is_file():
            return is_streamable(path) and (asked or path.stat().st_size > bounds.current().memory)
    except OSError:
        return False
    return is_pattern(name)
