"""Groups: trials of one form, which one compiled program trains side by side."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.train.ensemble import Folds
from backlit.train.lines import first_bad, history_lines, with_batches
from backlit.train.prepare import Job, prepare
from backlit.train.program import program_for
from backlit.train.search.trial import DIVERGED, STOPPED, Monitor, Trial

PATIENCE_SECONDS = 0.5  # how long one call of the program should take, so that Ctrl-C is heard
OF_DATA = ("validation", "preparation", "encoding", "standardize_targets", "sample_weight", "class_weight", "mixup")
ON_ACCELERATOR = 64  # networks side by side; a processor trains them no faster so than one after another


def side_by_side(members: int, engine: Any) -> int:
    """How many trials, of so many networks each, one call of the program trains."""
    return max(1, ON_ACCELERATOR // members) if getattr(engine, "accelerated", False) else 1


@dataclass(eq=False)
class Group:
    """Trials whose programs are the same, and their data on the device.

    Attributes
    ----------
    lead : Job
        The first's, whose data all share.
    width : int
        Trials that one call of the program trains; fewer are filled up with copies.
    """

    lead: Job
    width: int
    jobs: dict[int, Job] = field(default_factory=dict)
    seconds: float = 0.0  # of an epoch, as last measured

    def __post_init__(self) -> None:
        self.members = self.lead.program.members
        parts = {part.name: getattr(self.lead.program, part.name) for part in dataclasses.fields(self.lead.program)}
        self.program = program_for(**parts | {"members": self.members * self.width})

    def enter(self, number: int, job: Job) -> None:
        """A trial of the same form: of its job what is its own is kept."""
        self.jobs[number] = dataclasses.replace(
            job,
            data={**self.lead.data, "numbers": job.data["numbers"]},
            validation_data=self.lead.validation_data,
            examples=dataclasses.replace(self.lead.examples, network=job.network),
        )

    def advance(
        self, trials: Sequence[Trial], until: int, monitor: Monitor, asked: Callable[[], bool] = lambda: False
    ) -> list[Trial]:
        """Train at most `width` trials, which have come equally far, up to an epoch, or until `asked` says no more."""
        jobs = [self.jobs[trial.number] for trial in trials]
        block = [*jobs, *[jobs[-1]] * (self.width - len(jobs))]
        states = [self._state(trial, job) for trial, job in zip(trials, jobs, strict=True)]
        state = self._joined([*states, *[states[-1]] * (len(block) - len(states))])
        data = {**self.lead.data, "numbers": self._numbers(block)}
        validation = self._batches([each.epoch(0) for job in block for each in job.validation or ()])
        scored = monitor.of_outputs(self.lead)
        epoch = trials[0].since
        advanced = list(trials)
        while epoch < until and not all(trial.ended for trial in advanced) and not asked():
            count = min(self.program.length, until - epoch)
            count = min(count, max(1, int(PATIENCE_SECONDS / self.seconds)) if self.seconds else 1)
            start = time.perf_counter()
            batches = self._batches(
                [each.epochs(epoch, count, self.program.length) for job in block for each in job.batches]
            )
            state, results = self.program.train(
                state, data, batches, self.lead.validation_data, validation, np.int32(count)
            )
            if not scored:  # nor do they come to the host
                results = {name: {k: v for k, v in part.items() if k != "output"} for name, part in results.items()}
            results = with_batches(results, batches)
            results = tree.map(lambda part, count=count: self._by_epoch(np.asarray(part))[:count], results)
            if self.seconds or epoch > trials[0].since:  # the very first call compiles
                self.seconds = (time.perf_counter() - start) / count
            for i, job in enumerate(jobs):
                own = tree.map(lambda part, i=i: part[:, i * self.members : (i + 1) * self.members], results)
                advanced[i] = told(advanced[i], job, own, epoch, count, monitor)
            epoch += count
        host = tree.map(np.asarray, state)
        return [
            dataclasses.replace(trial, since=epoch, state=None if trial.ended else tree.leaves(self._part(host, i)))
            for i, trial in enumerate(advanced)
        ]

    def _numbers(self, block: Sequence[Job]) -> Any:
        """Rates, decays and their like, an array over the members each."""
        if self.program.members == 1:
            return block[0].data["numbers"]
        return tree.map(lambda *each: np.concatenate(each), *[self._by_member(job.data["numbers"]) for job in block])

    def _state(self, trial: Trial, job: Job) -> Any:
        """By member."""
        start = self._by_member(tree.map(np.asarray, job.start))
        return start if trial.state is None else tree.unflatten(tree.flatten(start)[1], trial.state)

    def _by_member(self, parts: Any) -> Any:
        return tree.map(lambda part: np.asarray(part)[None], parts) if self.members == 1 else parts

    def _joined(self, parts: list[Any]) -> Any:
        """What each trial has by member, as the program takes it."""
        if self.program.members == 1:
            return tree.map(lambda part: part[0], parts[0])
        return tree.map(lambda *each: np.concatenate(each), *parts)

    def _batches(self, parts: list[Any]) -> Any:
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else tree.map(lambda *each: np.stack(each), *parts)

    def _by_epoch(self, part: np.ndarray) -> np.ndarray:
        """What the program returned as (epochs, members, ...)."""
        return part[:, None] if self.program.members == 1 else np.moveaxis(part, 0, 1)

    def _part(self, state: Any, i: int) -> Any:
        """Of one trial, by member, in memory of its own."""
        if self.program.members == 1:
            return self._by_member(state)
        return tree.map(lambda part: part[i * self.members : (i + 1) * self.members].copy(), state)


def told(trial: Trial, job: Job, results: Any, first: int, count: int, monitor: Monitor) -> Trial:
    """A trial after some more epochs, by what the program returned of them, (epochs, members, ...)."""
    if trial.ended:
        return trial
    good = first_bad(results)[0]
    stopping = job.training.early_stopping
    patience = getattr(stopping, "patience", None)
    for record in history_lines(job, results, min(count, good), first, monitor.of_outputs(job)):
        if record["epoch"] > trial.epoch:  # else it is trained again up to where it was
            trial = dataclasses.replace(trial, history=(*trial.history, record))
            if trial.waited(monitor, patience):
                return dataclasses.replace(trial, ended=STOPPED)
    return dataclasses.replace(trial, ended=DIVERGED) if good < count else trial


def _data(job: Job) -> tuple[Any, ...]:
    """By what the data of a job is known, whose rows all of a group share: options that change it, by themselves.

    The first of a group keeps them, so that no other has their address.
    """
    return tuple(_known(getattr(job.training, name)) for name in OF_DATA)


def _known(value: Any) -> Any:
    if isinstance(value, Folds):
        return tuple(rows.tobytes() for rows in value.rows)
    return value if isinstance(value, (str, int, float, type(None))) else id(value)


class Groups:
    """All groups of a search, by what their programs are made of.

    Parameters
    ----------
    monitor : Monitor
    width : int, optional
        Trials side by side; by default as suits the device.
    """

    def __init__(self, monitor: Monitor, width: int | None = None) -> None:
        self.monitor, self.width = monitor, width
        self.groups: dict[Any, Group] = {}
        self._of: dict[int, Group] = {}
        self._lock = threading.Lock()

    def of(self, trial: Trial) -> Group:
        """The trial's group; a trial that can't be trained is told before anything is."""
        with self._lock:
            if trial.number not in self._of:
                recipe = trial.recipe
                job = prepare(recipe.network, recipe.x, recipe.y, recipe.training)
                key = (job.program, job.batches[0].size, job.batches[0].steps, id(recipe.x), id(recipe.y), _data(job))
                if key not in self.groups:
                    width = self.width or side_by_side(job.program.members, job.program.engine)
                    self.groups[key] = Group(job, width)
                self.groups[key].enter(trial.number, job)
                self._of[trial.number] = self.groups[key]
            return self._of[trial.number]

    def blocks(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Trials that one call of a program trains.

        First one of each group, so that programs are compiled side by side; the groups with the most before others.
        """
        by_group: dict[tuple[int, int], list[Trial]] = {}
        for trial in trials:
            by_group.setdefault((id(self.of(trial)), trial.since), []).append(trial)
        parts = sorted(by_group.values(), key=len, reverse=True)
        cut = [
            [part[i : i + self.of(part[0]).width] for i in range(0, len(part), self.of(part[0]).width)]
            for part in parts
        ]
        return [blocks[0] for blocks in cut] + [block for blocks in cut for block in blocks[1:]]

    def advance(self, block: Sequence[Trial], until: int, asked: Callable[[], bool] = lambda: False) -> list[Trial]:
        """A block, trained up to an epoch."""
        for trial in block:
            self.of(trial)
        return self.of(block[0]).advance(block, until, self.monitor, asked)
