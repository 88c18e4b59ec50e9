"""Contest: candidates trained side by side, of which the better ones go on, until a few are trained to the end."""

from __future__ import annotations

import dataclasses
import math

from backlit.doctor.repair import words as says
from backlit.doctor.repair.bench import Bench, StoppedError
from backlit.doctor.repair.candidates import AFTER, Candidate
from backlit.doctor.repair.change import Change
from backlit.doctor.trials import Outcome, Trials, Yardstick
from backlit.interrupts import held
from backlit.languages import join
from backlit.train.callbacks import EarlyStopping
from backlit.train.recipe import Recipe
from backlit.train.search import rungs

MOST, FEWEST = 27, 3  # candidates
OF_BUDGET = 0.45  # of what is left, beside what the comparison of the best with several seeds takes
LONGER, SURE = 3, 2  # times the epochs; seeds that are enough where a gain is plain
LATE = 0.75  # of the epochs, after which the best one means that training was still under way
WORTH = 0.01  # of the cost: less isn't worth a change
PRESENT = 0  # the place of what there is, among those that compete


class Contest:
    """Successive halving over candidates: the best are trained to the end, by a budget that is kept.

    Parameters
    ----------
    bench : Bench
        Whose budget pays.
    recipe : Recipe
        As it is before.
    yardstick : Yardstick
    reserve : float
        Trainings that must be left over.

    Attributes
    ----------
    entered, tried : int
        Candidates that there was time for, and those of them that could be trained.
    """

    def __init__(self, bench: Bench, recipe: Recipe, yardstick: Yardstick, reserve: float = 0.0) -> None:
        self.bench, self.recipe, self.yardstick, self.reserve = bench, recipe, yardstick, reserve
        self.entered = self.tried = 0
        self.epochs = bench.budget.epochs(recipe)

    def best(self, found: list[Candidate], lengths: bool) -> list[Candidate]:
        """The candidates to be compared with several seeds, the one to be taken first.

        With `lengths` also what keeping the best epoch, or training for longer, would give.
        """
        budget = self.bench.budget
        unit = budget.share(self.recipe)
        # Where it is plain which is better: with seeds of which none has chosen it, and the one that is kept.
        confirm = (1 + SURE + self.bench.lacking(self.recipe, 1 + SURE)) * unit
        left = budget.left - self.reserve - confirm
        count = self._affordable(len(found), OF_BUDGET * left / unit)
        if self._price(count) * unit > left:
            return []
        self.entered = count
        chosen = found[:count]
        self.bench.stage = f"{len(chosen)} candidates side by side"
        self.bench.tell()
        trials = Trials([self.recipe, *(one.change.recipe for one in chosen)], (0,))
        able = [place for place in range(len(chosen) + 1) if place not in trials.left_out]
        self.tried = len(able) - 1
        costs, outcomes = self._climb(trials, able, chosen)
        if lengths:
            self._lengthen(trials, costs, outcomes)
        return [
            one
            for place in self._ordered(costs, outcomes, chosen)
            if (one := self._made(chosen, place, outcomes[place], lengths)) is not None
        ]

    def _affordable(self, count: int, share: float) -> int:
        """How many candidates can compete, for so many trainings of the present length."""
        count = min(count, MOST)
        while count > FEWEST and self._price(count) > share:
            count -= 1
        return count

    def _price(self, count: int) -> float:
        plan = rungs(count + 1, self.epochs)
        before = [0, *(rung.epochs for rung in plan)]
        return sum(rung.trials * (rung.epochs - done) for rung, done in zip(plan, before, strict=False)) / self.epochs

    def _climb(
        self, trials: Trials, able: list[int], chosen: list[Candidate]
    ) -> tuple[dict[int, float], dict[int, Outcome]]:
        """Costs and outcomes of those that came to the end."""
        going = able
        costs: dict[int, float] = {}
        outcomes: dict[int, Outcome] = {}
        for rung in rungs(len(able), self.epochs):
            if len(going) > rung.trials:
                order = sorted(going, key=lambda place: (_about(costs[place]), place))
                kept = set(order[: rung.trials])
                # The first finding's own remedies aren't displaced by what has nothing to do with it.
                own = [place for place in order if place != PRESENT and chosen[place - 1].foreign == 0]
                going = sorted(kept | set(own[:1]))
                trials.free(set(able) - set(going))
            done = self._train(trials, rung.epochs, going)
            outcomes |= {place: found[0] for place, found in done.items()}
            costs |= {place: self.yardstick.cost(outcomes[place]) for place in done}
            going = [place for place in going if place in done]
        return {place: costs[place] for place in going}, {place: outcomes[place] for place in going}

    def _train(self, trials: Trials, until: int, places: list[int]) -> dict[int, list[Outcome]]:
        before = trials.updates
        with held() as asked:
            done = trials.train(until, places, asked=asked)
            self.bench.budget.spent += trials.updates - before
            if asked():
                raise StoppedError
        return done

    def _lengthen(self, trials: Trials, costs: dict[int, float], outcomes: dict[int, Outcome]) -> None:
        """Train the best for longer, if they were still getting better, and take that if it is worth it."""
        budget, unit = self.bench.budget, self.bench.budget.share(self.recipe)
        for place in sorted(costs, key=lambda place: (costs[place], place))[:1]:
            outcome = outcomes[place]
            still = outcome.best_epoch >= LATE * outcome.epochs
            still = still and self.epochs >= outcome.recipe.training.epochs  # which early stopping didn't end
            if (
                not still
                or self.epochs < outcome.recipe.training.epochs
                or _falls(outcome.recipe)
                or outcome.validation is None
                or outcome.epochs > self.epochs
            ):
                continue
            # What is left of it here, and with other seeds when it is compared.
            needed = LONGER - 1 + LONGER * (1 + SURE) + self.bench.lacking(self.recipe, 1 + SURE)
            if needed * unit > budget.left - self.reserve * LONGER:
                return
            done = self._train(trials, LONGER * self.epochs, [place])
            if place in done:
                cost = self.yardstick.cost(done[place][0])
                if cost < (1 - WORTH) * costs[place]:
                    costs[place], outcomes[place] = cost, done[place][0]

    def _ordered(self, costs: dict[int, float], outcomes: dict[int, Outcome], chosen: list[Candidate]) -> list[int]:
        """The best first; before it the plainest that is as good, to one standard error of the rows' difference.

        Breiman, Friedman, Olshen, Stone: Classification and Regression Trees, 1984 (the rule of one standard error).
        """
        order = [
            place for place in sorted(costs, key=lambda place: (costs[place], place)) if math.isfinite(costs[place])
        ]
        if not order:
            return []
        best = order[0]

        def foreign(place: int) -> int:
            return 1 if place == PRESENT else chosen[place - 1].foreign

        rows = self.yardstick.rows(outcomes[best].validation)
        for place in sorted(order, key=lambda place: (foreign(place), costs[place], place)):
            if foreign(place) >= foreign(best):
                break
            difference = self.yardstick.rows(outcomes[place].validation) - rows
            error = float(difference.std(ddof=1)) / math.sqrt(len(difference)) if len(difference) > 1 else 0.0
            if costs[place] - costs[best] <= min(error, 0.1 * abs(costs[best])):
                return [place, *(other for other in order if other != place)]
        return order

    def _made(self, chosen: list[Candidate], place: int, outcome: Outcome, lengths: bool) -> Candidate | None:
        """A candidate with the length that it was best with; None for what there is already."""
        one = None if place == PRESENT else chosen[place - 1]
        recipe = self.recipe if one is None else one.change.recipe
        epochs = recipe.training.epochs
        length = None
        if lengths and outcome.epochs > epochs:
            length = longer(recipe, outcome.epochs)
        elif lengths and not recipe.training.early_stopping and outcome.excess < 1 - WORTH:
            length = best_kept(recipe)
        if one is None:
            return None if length is None else Candidate(AFTER, length, 1)
        if length is None:
            return one
        config = None if one.change.config is None or length.config is None else one.change.config | length.config
        words = join("; ", [one.change.words, length.words])
        return dataclasses.replace(
            one, change=Change(words, length.recipe, one.change.criterion, config), foreign=one.foreign + 1
        )


def _about(cost: float) -> float:
    """A cost in hundredths: of candidates that are about level the more plausible goes on."""
    return round(math.log(cost) / WORTH) if 0 < cost < math.inf else cost if cost > 0 else -math.inf


def longer(recipe: Recipe, epochs: int) -> Change:
    """More epochs, with the best of them kept, ended when none was better for a third of them."""
    before = recipe.training.epochs
    patience = max(1, epochs // LONGER)
    new = recipe.replace(epochs=epochs, early_stopping=EarlyStopping(patience))
    words = says.EPOCHS_STOPPED.say(old=before, new=epochs, patience=patience)
    return Change(words, new, config={"epochs": epochs, "patience": patience})


def best_kept(recipe: Recipe) -> Change:
    """As many epochs as before, and the best of them kept."""
    epochs = recipe.training.epochs
    new = recipe.replace(early_stopping=EarlyStopping(epochs))  # never stops, and ends with the best
    return Change(says.BEST.say(epochs=epochs), new, config={"patience": epochs})


def _falls(recipe: Recipe) -> bool:
    """Whether the rate depends on how long training is to be."""
    from backlit.doctor.repair.updates import optimizer_of

    rate = optimizer_of(recipe).option("learning_rate")
    return recipe.training.schedule is not None or not isinstance(rate, (int, float))
