"""Crew: who trains the blocks of a search, side by side: threads of this process, or workers elsewhere."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol

from backlit.errors import ProcessError
from backlit.train.recipe import Recipe
from backlit.train.search.group import Groups
from backlit.train.search.trial import Monitor, Trial

PULSE = 0.1  # seconds after which one looks up from waiting
BROKEN = (
    "a worker process ended before its work was done: it was killed, or there was too little memory for so many; what "
    "was written is kept, go on with --resume (resume=True) and fewer --workers. In a program, call bl.tune under "
    "if __name__ == '__main__':, since each worker imports the program"
)
KEPT = 2  # searches whose data a worker keeps


class Place(Protocol):
    """Workers elsewhere, as `concurrent.futures` has them."""

    slots: int
    asked: Callable[[], bool]  # called by a worker: whether it is to end what it does

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called there."""

    def share(self, value: Any) -> Any:
        """Something that many calls take, sent once to each worker; functions get the value itself."""

    def stop(self) -> None:
        """Have `asked` say so from now on, where workers can hear it."""


@dataclass(frozen=True, eq=False)
class Common:
    """What all candidates of a search have in common, sent to each worker once."""

    key: str
    x: Any
    y: Any
    validation: Any
    preparation: Any
    weights: Any
    monitor: Monitor


class Crew:
    """Trains blocks of trials.

    Parameters
    ----------
    groups : Groups
    threads : int
        Blocks that are trained side by side in this process. The programs of small networks use one core each.
    place : Place, optional
        Workers in place of threads.
    key : str
        What tells this search from others that the same workers serve.
    deadline : float, optional
        When workers are to end what they do, by `time.monotonic`; each has made at least a start by then.
    """

    def __init__(
        self,
        groups: Groups,
        threads: int = 1,
        place: Place | None = None,
        key: str = "",
        deadline: float | None = None,
    ) -> None:
        self.groups, self.place, self.key, self.deadline = groups, place, key, deadline
        self.slots = threads if place is None else place.slots
        self._common: Any = None

    def train(
        self, trials: Sequence[Trial], until: int, asked: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Trial]]:
        """The blocks of these trials as they are done; `asked` says that no more are to be begun."""
        blocks = self.groups.blocks(trials)
        if self.place is not None:
            try:
                yield from self._side_by_side(blocks, asked, self._submitted(trials[0].recipe, until))
            except (BrokenExecutor, BrokenPipeError) as error:
                if asked():
                    return
                raise ProcessError(BROKEN) from error
        elif self.slots == 1:
            for block in blocks:
                if asked():
                    return
                yield self.groups.advance(block, until, asked)
        else:
            with ThreadPoolExecutor(self.slots) as threads:
                submit = threads.submit
                yield from self._side_by_side(
                    blocks, asked, lambda block: submit(self.groups.advance, block, until, asked)
                )

    def _side_by_side(
        self,
        blocks: list[list[Trial]],
        asked: Callable[[], bool],
        submit: Callable[[list[Trial]], Future[list[Trial]]],
    ) -> Iterator[list[Trial]]:
        """At most as many as there are slots under way at once, so that little is lost when no more are wanted."""
        waiting, running = list(blocks), dict[Future[list[Trial]], list[Trial]]()
        while waiting or running:
            while waiting and len(running) < self.slots and not asked():
                block = waiting.pop(0)
                running[submit(block)] = block
            if asked():
                waiting.clear()
                if self.place is not None:
                    self.place.stop()
            done, _ = wait(running, timeout=PULSE, return_when=FIRST_COMPLETED)
            for future in done:
                block = running.pop(future)
                recipes = {trial.number: trial.recipe for trial in block}
                yield [dataclasses.replace(trial, recipe=recipes[trial.number]) for trial in future.result()]

    def _submitted(self, recipe: Recipe, until: int) -> Callable[[list[Trial]], Future[list[Trial]]]:
        place = self.place
        if place is None:
            raise TypeError("there are no workers")
        if self._common is None:
            training = recipe.training
            self._common = place.share(
                Common(
                    self.key, recipe.x, recipe.y, training.validation, training.preparation, training.sample_weight,
                    self.groups.monitor,
                )
            )  # fmt: skip

        def submit(block: list[Trial]) -> Future[list[Trial]]:
            seconds = None if self.deadline is None else self.deadline - time.monotonic()
            return place.submit(advanced, self._common, [light(trial) for trial in block], until, seconds, place.asked)

        return submit


def light(trial: Trial) -> Trial:
    """A trial without what all have in common, to be sent elsewhere."""
    training = trial.recipe.training.replace(validation=None, preparation=None, sample_weight=None)
    return dataclasses.replace(trial, recipe=Recipe(trial.recipe.network, None, None, training))


_benches: dict[str, tuple[Groups, Common]] = {}  # of this process, a worker: by search


def advanced(
    common: Common,
    block: list[Trial],
    until: int,
    seconds: float | None = None,
    asked: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """A block, trained by a worker, which keeps programs and data for the next.

    It ends before `until` when the seconds are over or `asked` says so, but not before it has begun: what comes
    back can then be ranked.
    """
    began, begun = time.monotonic(), False

    def over() -> bool:
        nonlocal begun
        first, begun = not begun, True
        return not first and (asked() or (seconds is not None and time.monotonic() - began >= seconds))

    if common.key not in _benches:
        while len(_benches) >= KEPT:
            del _benches[next(iter(_benches))]
        _benches[common.key] = Groups(common.monitor), common
    groups, common = _benches[common.key]
    return [light(trial) for trial in groups.advance([whole(trial, common) for trial in block], until, over)]


def whole(trial: Trial, common: Common) -> Trial:
    """The inverse of `light`."""
    training = trial.recipe.training.replace(
        validation=common.validation, preparation=common.preparation, sample_weight=common.weights
    )
    return dataclasses.replace(trial, recipe=Recipe(trial.recipe.network, common.x, common.y, training))
