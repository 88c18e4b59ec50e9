"""When to look into a training of someone else's: by counted work, so that looks cost a small share of it.

As for probes (`backlit.train.probes.schedule`), costs are seconds of a nominal machine, worked out from multiply-adds
and counts of operations. How long the training will be isn't known, so a look is due as soon as the updates so far pay
for it.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.03  # of the work so far
AT_ONCE = 3  # looks that needn't wait for it: at the start, and after the first updates

PRODUCT = 1 / 30e9  # seconds for one multiply-add
LAYER, LOOKED_LAYER = 6e-5, 3e-4  # an update's Python and kernels, and a look's, for one layer
NUMBER = 1.2e-8  # of an activation that is looked at
PARAMETER, LOOKED_PARAMETER = 2e-9, 4e-9
TIME_STEP, LOOKED_TIME_STEP = 6e-5, 1.5e-4  # of a recurrent layer


@dataclass
class Plan:
    """Looks of a training, by its updates.

    Parameters
    ----------
    every : int or None
        Updates between looks; None lets their cost decide.
    """

    every: int | None = None
    looks: int = 0
    last: int = -1
    update: float = 0.0  # seconds
    look: float = 0.0

    def due(self, step: int) -> bool:
        """Whether to look at the update after so many.

        Examples
        --------
        >>> plan = Plan(update=1e-3, look=2e-3)
        >>> looked = []
        >>> for step in range(2000):
        ...     if plan.due(step):
        ...         looked.append(step)
        ...         plan.took(step)
        >>> looked[:10]
        [0, 1, 2, 67, 134, 200, 267, 334, 400, 467]
        """
        if step == self.last:
            return False
        if self.every is not None:
            return step % self.every == 0
        if self.looks < AT_ONCE:
            return True
        return (self.looks - AT_ONCE + 1) * self.look <= SHARE * step * self.update

    def took(self, step: int) -> None:
        """A look was taken."""
        self.looks += 1
        self.last = step

    def learn(self, products: float, layers: int, numbers: float, parameters: int, time_steps: int) -> None:
        """What an update and a look cost, from the multiply-adds of a forward pass and from counts."""
        self.update = 3 * products * PRODUCT + layers * LAYER + parameters * PARAMETER + time_steps * TIME_STEP
        self.look = (
            layers * LOOKED_LAYER + numbers * NUMBER + parameters * LOOKED_PARAMETER + time_steps * LOOKED_TIME_STEP
        )
