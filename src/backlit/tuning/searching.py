"""A search from end to end: candidates, rungs, journal, and the winner's run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backlit import interrupts
from backlit.errors import DivergedError, InputError
from backlit.files import locked
from backlit.settings import declared
from backlit.store.files import holds_run, refuse_foreign
from backlit.tasks.options import Call
from backlit.train.callbacks import EarlyStopping
from backlit.train.fingerprint import fingerprint, same_data
from backlit.train.fit import completed
from backlit.train.keeping import Checkpoint
from backlit.train.prepare import prepare
from backlit.train.result import Result
from backlit.train.search import Crew, Groups, Monitor, Search, Trial, halve, rungs
from backlit.tuning.bench import Bench, told
from backlit.tuning.clusters import placed
from backlit.tuning.journal import Journal
from backlit.tuning.progress import Progress
from backlit.tuning.sampling import count_of, draw
from backlit.tuning.space import Space, fitting, settings, space_of
from backlit.tuning.usual import usual_space
from backlit.tuning.wishes import TRIALS, Wishes

OF_LIMIT = 0.75  # of a time limit the search may take; the winner is trained in the rest
MOST_THREADS = 8


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes
    ----------
    run : Result
        The winner's.
    search : Search
    ended : str
        "", "time limit" or "interrupted".
    """

    run: Result
    search: Search
    ended: str = ""


@dataclass(eq=False)
class Tuner:
    """A search on a bench.

    Parameters
    ----------
    bench : Bench
    wishes : Wishes
    seed : int
        Which candidates are drawn.
    folder : Path, optional
        Where the winner's run goes, with the search's journal.
    resume, overwrite : bool
    progress : bool, optional
    seconds : float, optional
        For all of it.
    started : float
        By `time.monotonic`.
    say : callable
        Is told what was found and decided.
    keep : mapping
        Plain data that the journal keeps: what was typed.
    """

    bench: Bench
    wishes: Wishes
    seed: int = 0
    folder: Path | None = None
    resume: bool = False
    overwrite: bool = False
    progress: bool | None = None
    seconds: float | None = None
    started: float = field(default_factory=time.monotonic)
    say: Callable[[str], None] = lambda sentence: None
    keep: Mapping[str, Any] = field(default_factory=dict)

    def run(self, call: Call) -> Found:
        """Search, then train the winner; `call` says who is told of its training."""
        self.space = self._space()
        trials = self._trials()
        monitor = self._monitor(trials[0])
        plan = rungs(len(trials), self.bench.epochs, self.wishes.factor)
        search = Search({trial.number: trial for trial in trials}, plan, monitor)
        with contextlib.ExitStack() as stack:
            journal = self._journal(stack, search)
            ended = self._halved(search, journal)
            best = search.best()
            if best is None:
                raise self._nobody(search, ended)
            self.say(_closing(search, best, ended))
            return Found(self._winner(best, call, journal), search, ended)

    def _space(self) -> Space:
        """What is tried."""
        known = settings(self.bench.more)
        given = self.wishes.space
        space = usual_space(self.bench.planned) if given is None else space_of(given, known)
        if not space:
            raise InputError("there is nothing to try: name settings, --try lr=1e-4..1e-1 (space={'lr': (1e-4, 1e-1)})")
        fitting(space, self.bench.planned)
        return space

    def _trials(self) -> list[Trial]:
        """The candidates; what is planned without a search is the first, if it is in the space."""
        most = count_of(self.space)
        count = self.wishes.trials if self.wishes.trials is not None else int(min(TRIALS, most))
        planned = {name: self.bench.planned.get(name) for name in self.space}
        planned |= {name: value for name, value in _of_word(self.bench.planned).items() if name in self.space}
        if "seed" in self.space:
            planned["seed"] = self.seed
        first = planned if all(planned[name] in self.space[name] for name in self.space) else None
        drawn = draw(self.space, count, self.seed, first)
        return [Trial(number, own, self._recipe(own)) for number, own in enumerate(drawn, start=1)]

    def _recipe(self, own: Mapping[str, Any]) -> Any:
        recipe = self.bench.recipe(own)
        by = self.wishes.by
        # With the metrics that the winner is trained with the program is the same, and compiled once.
        return recipe if by in (None, "loss") else recipe.replace(metrics=[by])

    def _monitor(self, trial: Trial) -> Monitor:
        """What candidates are ranked by."""
        by = self.wishes.by or "loss"
        recipe = trial.recipe
        job = prepare(recipe.network, recipe.x, recipe.y, recipe.training)
        self.examples = job.examples
        stopping = completed(EarlyStopping(monitor=f"val_{by.removeprefix('val_')}"), job)
        if stopping is None:
            raise TypeError("early stopping was asked for")
        return Monitor(str(stopping.monitor), str(stopping.direction))

    def _journal(self, stack: contextlib.ExitStack, search: Search) -> Journal | None:
        """The journal, begun or gone on with, in a folder for this search alone."""
        if self.folder is None:
            return None
        if not self.resume:
            refuse_foreign(self.folder)
        try:
            stack.enter_context(locked(self.folder))
        except OSError as error:
            raise InputError(f"{self.folder} can't be written: {error.strerror or error}") from error
        journal = Journal(self.folder)
        about = {
            "data": fingerprint(self.examples),
            "by": search.monitor.name,
            "rungs": [[rung.trials, rung.epochs] for rung in search.rungs],
            "space": {name: str(dimension) for name, dimension in self.space.items()},
            "candidates": [
                {name: _plain(value) for name, value in trial.settings.items()} for trial in search.trials.values()
            ],
            "seed": self.seed,
        }
        if self.resume and journal.exists:
            saved = journal.read()
            different = [name for name, value in about.items() if name != "data" and saved.get(name) != value]
            if not same_data(saved.get("data"), self.examples):
                different.append("data")
            if different:
                raise InputError(
                    f"{self.folder} holds another search ({', '.join(different)} differ): use the same data and "
                    "options to go on with it, or another folder"
                )
            search.trials = journal.restored(search.trials)
            return journal
        if not self.overwrite and (journal.exists or holds_run(self.folder)):
            what = "a search" if journal.exists else "a run"
            raise InputError(f"{self.folder} already holds {what}; resume it, overwrite it, or choose another folder")
        journal.begin({**about, "options": {name: _plain(value) for name, value in self.keep.items()}})
        return journal

    def _halved(self, search: Search, journal: Journal | None) -> str:
        """Climb the rungs; why it ended before its time, if it did."""
        deadline = None if self.seconds is None else self.started + OF_LIMIT * self.seconds
        display = Progress(self.progress, deadline)
        why = ""

        def done(search: Search, block: list[Trial]) -> None:
            if journal is not None:
                journal.note(block)
                if not block:
                    journal.keep(trial for trial in search.trials.values() if not trial.ended)
            display.show(search)

        with interrupts.held() as heard, self._crew(search, deadline) as crew:

            def asked() -> bool:
                nonlocal why
                if heard():
                    why = "interrupted"
                elif (
                    deadline is not None
                    and time.monotonic() >= deadline
                    and any(trial.history for trial in search.trials.values())
                ):
                    why = why or "time limit"
                return bool(why)

            try:
                display.show(search)
                halve(search, crew, done, asked)
            finally:
                display.end()
        return why

    @contextlib.contextmanager
    def _crew(self, search: Search, deadline: float | None) -> Iterator[Crew]:
        """Who trains."""
        groups = Groups(search.monitor)
        for trial in search.trials.values():  # whatever can't be trained is told before anything is
            groups.of(trial)
        wishes = self.wishes
        if wishes.backend == "here" and (wishes.workers or 1) == 1:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            accelerated = any(group.width > 1 for group in groups.groups.values())
            yield Crew(groups, 1 if accelerated or wishes.workers == 1 else min(cores, MOST_THREADS))
            return
        key = hashlib.sha256(f"{fingerprint(self.examples)} {os.getpid()} {time.time_ns()}".encode()).hexdigest()
        with placed(wishes.backend, wishes.address, wishes.workers) as place:
            yield Crew(groups, place=place, key=key, deadline=deadline)

    def _nobody(self, search: Search, ended: str) -> Exception:
        """Why there is no winner."""
        if ended == "interrupted":
            return KeyboardInterrupt()  # type: ignore[return-value]
        if ended:
            return InputError("the time limit passed before a candidate had an epoch: give more time")
        lowest = [trial.settings.get("learning_rate") for trial in search.trials.values()]
        rates = [rate for rate in lowest if isinstance(rate, float)]
        hint = (
            f"try lower learning rates than {min(rates):g}: --try lr={min(rates) / 1000:g}..{min(rates) / 10:g}"
            if rates
            else ("try lower learning rates: --try lr=1e-5..1e-3")
        )
        return DivergedError(f"all {len(search.trials)} candidates diverged, to NaN or infinity; {hint}")

    def _winner(self, best: Trial, call: Call, journal: Journal | None) -> Result:
        """The winner's run, trained from its start as without a search."""
        left = None if self.seconds is None else max(1e-3, self.started + self.seconds - time.monotonic())
        if self.folder is not None and journal is not None:
            begun = holds_run(self.folder)
            same = journal.crown(best.number) and self.resume
            call = call.replace(checkpoint=Checkpoint(self.folder, resume=begun and same, overwrite=begun and not same))
        interrupts.answered()
        return self.bench.train(best.settings, call.replace(progress=self.progress), left)


def _closing(search: Search, best: Trial, ended: str) -> str:
    monitor = search.monitor
    why = f"{ended}: the search ends here; " if ended else ""
    return (
        f"{why}trial {best.number} is the best, {monitor.name} {monitor.value(best.cost(monitor)):.4f} after epoch "
        f"{best.best_epoch(monitor)} of {best.epoch}: {told(best.settings)}; now it is trained"
    )


def _of_word(planned: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in an optimizer's word, and its defaults."""
    from backlit import optim

    word = planned.get("optimizer")
    if not isinstance(word, str):
        return {}
    kind = declared(optim.named(word))
    made = optim.get(word)
    return {name: getattr(made, name) for name in kind if name != "learning_rate"}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
