"""Crew: who trains the blocks of a search, side by side: threads of this process, or workers elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol

from backlit.train.recipe import Recipe
from backlit.train.search.group import Groups
from backlit.train.search.trial import Monitor, Trial

PULSE = 0.1  # seconds after which one looks up from waiting
KEPT = 2  # searches whose data a worker keeps


class Place(Protocol):
    """Workers elsewhere, as `concurrent.futures` has them."""

    slots: int

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called there."""

    def share(self, value: Any) -> Any:
        """Something that many calls take, sent once; functions get the value itself."""


@dataclass(frozen=True, eq=False)
class Common:
    """What all candidates of a search have in common, sent to each worker once."""

    key: str
    x: Any
    y: Any
    validation: Any
    preparation: Any
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
    """

    def __init__(self, groups: Groups, threads: int = 1, place: Place | None = None, key: str = "") -> None:
        self.groups, self.place, self.key = groups, place, key
        self.slots = threads if place is None else place.slots
        self._common: Any = None

    def train(
        self, trials: Sequence[Trial], until: int, asked: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Trial]]:
        """The blocks of these trials as they are done; `asked` says that no more are to be begun."""
        blocks = self.groups.blocks(trials)
        if self.place is not None:
            yield from self._side_by_side(blocks, until, asked, self._submitted(trials[0].recipe, until))
        elif self.slots == 1:
            for block in blocks:
                if asked():
                    return
                yield self.groups.advance(block, until, asked)
        else:
            with ThreadPoolExecutor(self.slots) as threads:
                submit = threads.submit
                yield from self._side_by_side(
                    blocks, until, asked, lambda block: submit(self.groups.advance, block, until, asked)
                )

    def _side_by_side(
        self,
        blocks: list[list[Trial]],
        until: int,
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
                Common(self.key, recipe.x, recipe.y, training.validation, training.preparation, self.groups.monitor)
            )
        return lambda block: place.submit(advanced, self._common, [light(trial) for trial in block], until)


def light(trial: Trial) -> Trial:
    """A trial without what all have in common, to be sent elsewhere."""
    training = trial.recipe.training.replace(validation=None, preparation=None)
    return dataclasses.replace(trial, recipe=Recipe(trial.recipe.network, None, None, training))


_benches: dict[str, tuple[Groups, Common]] = {}  # of this process, a worker: by search


def advanced(common: Common, block: list[Trial], until: int) -> list[Trial]:
    """A block, trained by a worker, which keeps programs and data for the next."""
    if common.key not in _benches:
        while len(_benches) >= KEPT:
            del _benches[next(iter(_benches))]
        _benches[common.key] = Groups(common.monitor), common
    groups, common = _benches[common.key]
    return [light(trial) for trial in groups.advance([whole(trial, common) for trial in block], until)]


def whole(trial: Trial, common: Common) -> Trial:
    """The inverse of `light`."""
    training = trial.recipe.training.replace(validation=common.validation, preparation=common.preparation)
    return dataclasses.replace(trial, recipe=Recipe(trial.recipe.network, common.x, common.y, training))
