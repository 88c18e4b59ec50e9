"""Optimizers and schedules as people type them: "momentum:0.95", "adam:beta1=0.8,beta2=0.99", "warmup:5 cosine"."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from backlit.errors import InputError, unknown
from backlit.optim.budget import Budget
from backlit.optim.rate import Schedule
from backlit.optim.schedules import Constant, Cosine, Exponential, InverseTime, OneCycle, ReduceOnPlateau, Step, WarmUp
from backlit.optim.transform import Chain, Transform
from backlit.settings import Declaration


def settings_of(spec: str, options: Iterable[Declaration]) -> dict[str, Any]:
    """The settings behind an optimizer's name: "beta1=0.8,beta2=0.99", or "0.95", the first of them.

    Parameters
    ----------
    spec : str
        The whole word, for messages.
    options : iterable of Declaration
        What the optimizer takes besides its learning rate.

    Raises
    ------
    InputError
        If a part isn't a setting; it is named.
    """
    name, _, text = spec.partition(":")
    known = [option.name for option in options]
    given: dict[str, Any] = {}
    for i, part in enumerate(text.split(",") if ":" in spec else []):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals and not i and known:
            key, value = known[0], key
        elif not equals:
            example = f"{known[0]}=0.9" if known else "no settings"
            raise InputError(
                f"optimizer {spec!r}: {part!r} is no setting; {name} takes {example}, as {', '.join(known)}"
            )
        if key not in known:
            raise InputError(f"optimizer {spec!r}: {unknown(f'setting of {name}', key, known)}")
        if key in given:
            raise InputError(f"optimizer {spec!r}: {key} is given twice")
        given[key] = _value(spec, key, value)
    return given


def _value(spec: str, key: str, text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        raise InputError(f"optimizer {spec!r}: {key} must be a number, true or false, got {text!r}") from None


@dataclass(frozen=True)
class Span:
    """What a schedule's words are counted in: the rate it begins with, and the updates of an epoch and of all."""

    rate: float
    updates: int  # of an epoch
    epochs: int
    begun: int = 0  # updates of the warm-up

    def of(self, epochs: float) -> int:
        """So many epochs in updates, at least one."""
        return max(1, round(epochs * self.updates))

    @property
    def rest(self) -> int:
        """Updates that are left after the warm-up."""
        return max(1, self.epochs * self.updates - self.begun)


@dataclass(frozen=True)
class Word:
    """A schedule by its word.

    Attributes
    ----------
    usage : str
        How it is written.
    numbers : tuple of (low, high)
        What each of its numbers may be, ends included.
    defaults : tuple of float
        Of the last numbers.
    make : callable
        ``make(span, *numbers) -> schedule``.
    """

    usage: str
    numbers: tuple[tuple[float, float], ...]
    defaults: tuple[float, ...]
    make: Callable[..., Schedule]


_ANY, _SHARE, _FACTOR = (1e-9, 1e9), (0.0, 1.0), (1e-9, 1.0)
WORDS: dict[str, Word] = {
    "cosine": Word(
        "cosine:END, down to END times the rate at the last epoch (0 if left out)", (_SHARE,), (0.0,),
        lambda span, end: Cosine(span.rate, steps=span.rest, end=end * span.rate),
    ),
    "budget": Word(
        "budget:END, evenly down to END times the rate (0 if left out) by the last epoch or the time limit",
        ((0.0, 0.999999),), (0.0,), lambda span, end: Budget(span.rate, end=end),
    ),
    "step": Word(
        "step:EPOCHS,FACTOR, times FACTOR (0.1 if left out) after every so many epochs", (_ANY, _FACTOR), (0.1,),
        lambda span, every, factor: Step(span.rate, every=span.of(every), factor=factor),
    ),
    "exponential": Word(
        "exponential:FACTOR, times FACTOR an epoch, evenly", (_FACTOR,), (),
        lambda span, factor: Exponential(span.rate, factor=factor, every=span.updates),
    ),
    "inverse": Word(
        "inverse:DECAY, the rate divided by 1 + DECAY × epochs", ((0.0, 1e9),), (),
        lambda span, decay: InverseTime(span.rate, decay=decay / span.updates),
    ),
    "onecycle": Word(
        "onecycle:RISE, up to the rate in this share (0.3) of all epochs and down again", (_FACTOR,), (0.3,),
        # Too few updates for both ways end on the way: a training of one epoch is none to be refused.
        lambda span, rise: OneCycle(span.rate, steps=max(span.rest, int(1 / rise) + 1), rise=rise),
    ),
    "plateau": Word(
        "plateau:EPOCHS,FACTOR, times FACTOR (0.1) after so many epochs (10) without improvement",
        ((0, 1e9), (0.0, 0.999999)), (10, 0.1),
        lambda span, patience, factor: ReduceOnPlateau(span.rate, patience=int(patience), factor=factor),
    ),
}  # fmt: skip
WARM_UP = "warmup:EPOCHS,SHARE, up from SHARE (0.01 if left out) of the rate in the first epochs"


def schedule_words(text: str) -> tuple[tuple[float, ...], tuple[str, tuple[float, ...]]]:
    """The warm-up's epochs and share, if there is one, and the word that follows with its numbers.

    Raises
    ------
    InputError
        If a word isn't known or its numbers don't fit; it is named.

    Examples
    --------
    >>> schedule_words("warmup:5 cosine"), schedule_words("step:10,0.5")
    (((5.0, 0.01), ('cosine', (0.0,))), ((), ('step', (10.0, 0.5))))
    """
    words = text.split()
    warm: tuple[float, ...] = ()
    if words and words[0].partition(":")[0] == "warmup":
        warm = _numbers(text, words.pop(0), Word(WARM_UP, (_ANY, _SHARE), (0.01,), WarmUp))
    if len(words) > 1 or not (words or warm):
        raise InputError(
            f"schedule {text!r}: expected one of {', '.join(WORDS)}, with warmup:EPOCHS before it if you like"
        )
    if not words:
        return warm, ("", ())
    name = words[0].partition(":")[0]
    if name not in WORDS:
        raise InputError(f"schedule {text!r}: {unknown('word', name, [*WORDS, 'warmup'])}")
    if warm and name == "plateau":
        raise InputError(f"schedule {text!r}: plateau goes by the loss and can't follow a warm-up; use one of them")
    return warm, (name, _numbers(text, words[0], WORDS[name]))


def _numbers(text: str, word: str, kind: Word) -> tuple[float, ...]:
    _, colon, listed = word.partition(":")
    try:
        given = [float(part) for part in listed.split(",")] if colon else []
    except ValueError:
        given = [math.nan]
    most, fewest = len(kind.numbers), len(kind.numbers) - len(kind.defaults)
    numbers = (*given, *kind.defaults[max(0, len(given) - fewest) :])
    inside = len(numbers) == most and all(
        low <= number <= high for number, (low, high) in zip(numbers, kind.numbers, strict=True)
    )
    if not inside or len(given) < fewest:
        raise InputError(f"schedule {text!r}: {word!r}: expected {kind.usage}")
    return tuple(numbers)


def schedule_of(text: str, rate: float, updates: int, epochs: int) -> Schedule:
    """The schedule that words describe.

    Parameters
    ----------
    text : str
        "cosine", "step:10,0.5", "warmup:5 cosine", ...: see `WORDS`. They count in epochs.
    rate : float
        The learning rate that it begins with, or comes to.
    updates : int
        Of an epoch.
    epochs : int
        Of the whole training.

    Examples
    --------
    >>> schedule_of("warmup:2 cosine", 0.1, updates=50, epochs=10)
    WarmUp(then=Cosine(start=0.1, steps=400), steps=100)
    """
    warm, (name, numbers) = schedule_words(text)
    begun = max(1, round(warm[0] * updates)) if warm else 0
    span = Span(rate, updates, epochs, begun)
    after = WORDS[name].make(span, *numbers) if name else Constant(rate)
    return WarmUp(after, steps=begun, share=warm[1]) if warm else after


def scheduled(optimizer: Any, text: str | None, updates: int, epochs: int) -> Any:
    """The optimizer with its learning rate as the words say; as it is without words.

    Raises
    ------
    InputError
        If it has no learning rate, or one that is a schedule already.

    Examples
    --------
    >>> from backlit import optim
    >>> scheduled(optim.Adam(0.01), "step:5,0.5", updates=10, epochs=20)
    Adam(learning_rate=Step(start=0.01, every=50, factor=0.5))
    """
    if text is None:
        return optimizer
    if isinstance(optimizer, Chain):
        *before, last = optimizer.transforms
        return Chain((*before, scheduled(last, text, updates, epochs)))
    rate = getattr(optimizer, "learning_rate", None)
    if not isinstance(optimizer, Transform) or rate is None:
        raise InputError(f"schedule {text!r}: {optimizer!r} has no learning rate to change; leave the schedule out")
    if callable(rate):
        raise InputError(f"schedule {text!r}: the optimizer's learning rate is {rate!r} already; give one of them")
    return optimizer.replace(learning_rate=schedule_of(text, float(rate), updates, epochs))
