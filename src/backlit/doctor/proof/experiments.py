"""Experiments: what is changed to see whether a cause is one, and what is tried where none was found."""

from __future__ import annotations

import contextlib
from typing import Any

from backlit.doctor.finding import Consequence, Diagnosis, Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings import capacity, decay, learning_rate, scale, sequences, unlearned
from backlit.doctor.repair import inputs, networks, settings
from backlit.doctor.repair.candidates import joined
from backlit.doctor.repair.change import Change
from backlit.errors import BacklitError
from backlit.languages import Template
from backlit.train.recipe import Recipe

OPEN = unlearned.OPEN
SUSPICIONS = (capacity.TOO_LITTLE, sequences.UNMASKED_PADDING)  # which are tried though they are but remarks
MOST_WAYS = 3  # of one finding that are tried
PROVABLE = (Stage.DATA, Stage.TARGETS, Stage.OUTPUT, Stage.STRUCTURE)  # mistakes whatever comes of mending them
TRIED = Sign(
    Template("found by trying: {words}", "시험해 찾음: {words}"),
    Template(
        "held-out loss with that change, of the loss without it", "그렇게 바꾼 뒤의 평가 손실(바꾸기 전에 대한 비율)"
    ),
    Template(
        "nine tenths, beyond the noise of seeds and rows: a paired training with nothing else changed",
        "10분의 9, 그리고 시드와 데이터의 잡음을 넘음. 그것만 바꾸어 짝지어 학습한 결과",
    ),
    remedy="run.fix()  # {words}",
)


def competing(diagnosis: Diagnosis) -> list[Kind]:
    """Causes that may explain what was seen and can be tried: alarms, and what was taken to follow from them.

    And suspicions, which are but remarks until they were tried.
    """
    kinds: dict[Kind, None] = {}
    for finding in diagnosis:
        if finding.severity != "alarm" and finding.kind not in SUSPICIONS:
            continue
        followers = [each.kind for each in finding.consequences if isinstance(each, Consequence)]
        for kind in (finding.kind, *followers):
            if kind.repair is not None and (kind.role is Role.CAUSE or kind in SUSPICIONS):
                kinds[kind] = None
    return list(kinds)


def refutable(kind: Kind) -> bool:
    """Whether it is no cause if mending it doesn't help."""
    return kind.stage not in PROVABLE


def ways(kind: Kind, recipe: Recipe, run: Any) -> list[Change]:
    """A few ways to mend a kind of finding: the first, the last, and one between."""
    with contextlib.suppress(BacklitError):
        made = kind.ways(recipe, run)
        places = {round(i * (len(made) - 1) / (MOST_WAYS - 1)) for i in range(MOST_WAYS)} if made else set()
        return [made[place] for place in sorted(places)]
    return []


def both(first: Change, kind: Kind, place: int, run: Any) -> Change | None:
    """A change and another kind's way, by its place among that one's; None where they don't go together."""
    others = ways(kind, first.recipe, run)
    return joined(first, others[min(place, len(others) - 1)]) if others else None


def guesses(recipe: Recipe, run: Any) -> list[tuple[Kind, Change]]:
    """What is tried where no cause was found: each change, and the cause that it would show."""
    tried: list[tuple[Kind, Change]] = []
    with contextlib.suppress(BacklitError):
        tried += [(learning_rate.TOO_LOW, change) for change in settings.rates(recipe, (10.0, 100.0))]
        tried += [(learning_rate.TOO_HIGH, change) for change in settings.rates(recipe, (0.1,))]
    for kind, remedy in (
        (capacity.TOO_LITTLE, networks.wider),
        (scale.UNSCALED_INPUTS, inputs.standardized),
        (decay.TOO_STRONG, settings.less_decay),
    ):
        with contextlib.suppress(BacklitError):
            tried += [(kind, change) for change in remedy(recipe, run)[:1]]
    return tried


def claimed(kind: Kind, words: str, share: float) -> Finding:
    """A finding that nothing but an experiment shows."""
    return kind.found(TRIED, share, 0.9, words=words)


def is_open(diagnosis: Diagnosis) -> bool:
    """Whether it says that the cause is open."""
    return any(finding.kind is OPEN for finding in diagnosis)
