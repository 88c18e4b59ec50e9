"""What the next update does to a gradient: the penalty's pull, the optimizer, and what is held or set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit.graph import tree
from backlit.graph.derivatives import value_and_grad
from backlit.inspect.textbook.rules import TransformStep, at
from backlit.inspect.textbook.symbols import Math, equation, number, symbol, total
from backlit.inspect.textbook.units import Place
from backlit.languages import Message, Template
from backlit.nn.penalties import L1
from backlit.optim.transform import State, Transform, Tree, chain
from backlit.studio.building import optimizer_now, optimizer_of, penalty_of
from backlit.studio.scripted import Scripted
from backlit.studio.timeline import Timeline
from backlit.train.prepare import clipped

HELD = Template(
    "the unit is held: its weights stay as they are", "유닛을 고정해 두었으므로 이 유닛의 가중치는 그대로입니다."
)
SET = Template("after this update it is set by hand to {value:g}", "이 갱신 뒤에 직접 정한 값 {value:g}이(가) 됩니다.")
ARROW = Math(" ← ", r" \leftarrow ")


@dataclass(frozen=True, repr=False)
class Pulled(Transform):
    """Adds a penalty's gradient, as the training does before the optimizer."""

    penalty: Any = None

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """The gradients of loss and penalty together."""
        _, pull = value_and_grad(self.penalty)(params)
        return tree.map(lambda one, other: one + other, gradients, pull), state

    def lines(self, made: TransformStep, place: Place) -> list[Math]:
        """The penalty's term, for a weight that it pulls at."""
        before, after, weight = at(made.inputs, place), at(made.outputs, place), at(made.params, place)
        if before == after:
            return []
        formula = (
            Math("g + λ·sign(w)", r"g + \lambda \cdot \mathrm{sign}(w)")
            if isinstance(self.penalty, L1)
            else Math("g + 2·λ·w", r"g + 2 \cdot \lambda \cdot w")
        )
        pull = np.sign(weight) * self.penalty.strength if isinstance(self.penalty, L1) else after - before
        return [symbol("g") + ARROW + equation(formula, total([number(before), number(pull)]), number(after))]


@dataclass(frozen=True, repr=False)
class ByHand(Transform):
    """What is held, or set, whatever the optimizer says."""

    script: Any = None

    def update(self, updates: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """The optimizer's updates but for those."""
        changed, _ = self.script.update(updates, {}, params, step)
        return tree.map(lambda leaf: leaf + 0.0, changed), state  # what is held has −0

    def lines(self, made: TransformStep, place: Place) -> list[Math]:
        """What the update becomes, if it does."""
        before, after = at(made.inputs, place), at(made.outputs, place)
        return [] if before == after else [symbol("u") + ARROW + number(after)]


class AsItIs(Transform):
    """Hands on what it gets."""

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        """The same."""
        return gradients, state


class NextStep(NamedTuple):
    """What comes between gradients and the next weights, its state, and the optimizer within it."""

    rule: Any
    state: Any
    optimizer: Any


def next_step(timeline: Timeline) -> NextStep:
    """What the next update does with the gradients of the loss."""
    network = timeline.job.network
    optimizer = clipped(optimizer_now(timeline.state, timeline.at), network.architecture, "auto")
    own = tree.map(np.asarray, timeline.train_state["optimizer"])
    penalty, script = penalty_of(timeline.state.training), _script(timeline)
    if penalty is None and script is None:
        return NextStep(optimizer, own, optimizer)
    before = [] if penalty is None else [Pulled(penalty)]
    after = [] if script is None else [ByHand(script)]
    rule = chain(*before, optimizer, *after)
    return NextStep(rule, {rule.names[len(before)]: own}, optimizer)


def _script(timeline: Timeline) -> Scripted | None:
    """What is held or set at the next update; None if nothing is."""
    made, update = optimizer_of(timeline.state, timeline.job.network), timeline.at
    if not isinstance(made, Scripted):
        return None
    held = tuple(span for span in made.held if span[2] <= update < span[3])
    edits = tuple(edit for edit in made.edits if edit[2] == update)
    return Scripted(AsItIs(), held, edits) if held or edits else None


def note_on(timeline: Timeline, place: tuple[str, Sequence[int]]) -> Message | None:
    """Why a weight's next value isn't the optimizer's."""
    script, (path, index) = _script(timeline), place
    if script is None:
        return None
    for where, which, _, value in reversed(script.edits):
        if (where, which) == (path, tuple(index)):
            return SET.of(value=value)
    held = any((where, row) == (path, index[0]) for where, row, _, _ in script.held)
    return HELD.of() if held else None
