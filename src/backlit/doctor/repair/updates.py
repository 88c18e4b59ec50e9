"""Remedies for what comes between gradient and update, and for what weighs rows and errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit import optim
from backlit.doctor.repair import words as says
from backlit.doctor.repair.change import Change
from backlit.languages import join
from backlit.nn import losses
from backlit.nn.losses.regression import Huber
from backlit.optim.clipping import ClipGlobalNorm, ClipNorm, ClipValue
from backlit.optim.rate import Schedule
from backlit.optim.transform import Transform, as_transform
from backlit.train.recipe import Recipe

CLIP = 1.0  # the norm that is usual
MOMENTUM, MOST_MOMENTUM = 0.9, 0.95
EFFICIENT = 1.345  # δ in spreads of the errors: 95 % efficient where they are normal (Huber 1964)
CLIPS = (ClipGlobalNorm, ClipNorm, ClipValue)


def optimizer_of(recipe: Recipe) -> Transform:
    """The optimizer, made if it is a name."""
    return as_transform(optim.get(recipe.training.optimizer))


def _rebuilt(parts: list[Transform]) -> Transform:
    return parts[0] if len(parts) == 1 else optim.chain(*parts)


def unclipped(recipe: Recipe, run: Any) -> list[Change]:
    """Gradients clipped to norm 1 where the limit is below it, or not at all."""
    parts = list(optimizer_of(recipe).transforms)
    tight = [part for part in parts if isinstance(part, CLIPS) and part.limit < CLIP]
    clip = recipe.training.clip
    told = clip if isinstance(clip, (int, float)) and clip < CLIP else None
    if not tight and told is None:
        return []
    least = min([part.limit for part in tight] + ([] if told is None else [float(told)]))
    milder = _rebuilt([part.replace(limit=CLIP) if part in tight else part for part in parts])
    none = _rebuilt([part for part in parts if part not in tight])
    clipped = recipe.replace(optimizer=milder)
    return [
        Change(says.CLIPPED.say(old=least, new=CLIP), clipped if told is None else clipped.replace(clip=CLIP)),
        Change(says.NOT_CLIPPED.say(), recipe.replace(optimizer=none, clip=None)),
    ]


def milder_momentum(recipe: Recipe, run: Any) -> list[Change]:
    """Momentum of 0.9, with the same rate, and with the rate that makes as large steps in the long run."""
    optimizer = optimizer_of(recipe)
    changes = []
    for name in ("momentum", "beta1"):
        present = getattr(optimizer.last, name, None)
        if not isinstance(present, float) or present <= MOST_MOMENTUM:
            continue
        rate = optimizer.rate
        usual = [*optimizer.transforms[:-1], optimizer.last.replace(**{name: MOMENTUM})]
        words = says.MOMENTUM.say(name=name, old=present, new=MOMENTUM)
        changes.append(Change(words, recipe.replace(optimizer=_rebuilt(usual))))
        if name == "momentum" and rate and not isinstance(optimizer.option("learning_rate"), Schedule):
            for factor in (10.0, 0.1):
                new = float(f"{rate * factor:.3g}")
                last = usual[-1].replace(learning_rate=new)
                changes.append(
                    Change(
                        join(", ", [words, says.RATE.say(old=rate, new=new)]),
                        recipe.replace(optimizer=_rebuilt([*usual[:-1], last])),
                    )
                )
    return changes


def unscheduled(recipe: Recipe, run: Any) -> list[Change]:
    """The greatest rate of a schedule throughout, or one that falls over the whole length of training."""
    training, optimizer = recipe.training, optimizer_of(recipe)
    rate = optimizer.option("learning_rate")
    scheduled = isinstance(rate, Schedule) or callable(rate)
    if not scheduled and training.schedule is None:
        return []
    highest = optimizer.rate
    if highest is None:
        return []
    parts = [*optimizer.transforms[:-1], optimizer.last.replace(learning_rate=float(highest))]
    steady = recipe.replace(optimizer=_rebuilt(parts), schedule=None)
    changes = [Change(says.RATE_THROUGHOUT.say(rate=highest), steady, config={"schedule": None})]
    if training.schedule != "cosine":
        words = says.RATE_FALLING.say(rate=highest, epochs=training.epochs)
        changes.append(Change(words, steady.replace(schedule="cosine"), config={"schedule": "cosine"}))
    return changes


def settled(recipe: Recipe, run: Any) -> list[Change]:
    """A rate that falls to 0 over all epochs, so that what goes up and down settles; or a lower one."""
    optimizer = optimizer_of(recipe)
    rate = optimizer.option("learning_rate")
    if not isinstance(rate, (int, float)) or recipe.training.schedule is not None:
        return []
    words = says.RATE_FALLING.say(rate=rate, epochs=recipe.training.epochs)
    changes = [Change(words, recipe.replace(schedule="cosine"), config={"schedule": "cosine"})]
    for factor in (0.3, 0.1):
        new = float(f"{rate * factor:.3g}")
        parts = [*optimizer.transforms[:-1], optimizer.last.replace(learning_rate=new)]
        words = says.RATE.say(old=rate, new=new)
        changes.append(Change(words, recipe.replace(optimizer=_rebuilt(parts)), config={"learning_rate": new}))
    return changes


def wider_delta(recipe: Recipe, run: Any) -> list[Change]:
    """Huber's δ beyond which errors count as large, by the spread of the targets."""
    loss = losses.get(recipe.training.loss) if isinstance(recipe.training.loss, str) else recipe.training.loss
    if not isinstance(loss, Huber) or isinstance(recipe.y, dict):
        return []
    y = np.asarray(recipe.y, dtype=np.float64)
    spread = float(y.std())
    changes = []
    if recipe.training.standardize_targets:
        spread = 1.0
    delta = float(f"{EFFICIENT * spread:.3g}")
    if delta > loss.delta > 0:
        words = says.DELTA.say(old=loss.delta, new=delta)
        changes.append(Change(words, recipe.replace(loss=Huber(delta=delta))))
    if not recipe.training.standardize_targets:
        changes.append(
            Change(
                join(", ", [says.TARGETS_SCALED.say(), says.DELTA.say(old=loss.delta, new=EFFICIENT)]),
                recipe.replace(loss=Huber(delta=EFFICIENT), standardize_targets=True),
            )
        )
    return changes


def weighed_alike(recipe: Recipe, run: Any) -> list[Change]:
    """Weights of classes and rows left out, or classes weighed by their number alone."""
    training = recipe.training
    changes = []
    if training.sample_weight is not None:
        changes.append(Change(says.ROWS_ALIKE.say(), recipe.replace(sample_weight=None)))
    if training.class_weight is not None:
        config = {"balance": False} if training.class_weight == "balanced" else None
        changes.append(Change(says.NO_CLASS_WEIGHTS.say(), recipe.replace(class_weight=None), config=config))
        if training.class_weight != "balanced":
            balanced = recipe.replace(class_weight="balanced")
            changes.append(Change(says.BALANCED.say(), balanced, config={"balance": True}))
    if training.sample_weight is not None and training.class_weight is not None:
        neither = recipe.replace(sample_weight=None, class_weight=None)
        changes.append(Change(says.ALL_ALIKE.say(), neither))
    return changes


def shuffled(recipe: Recipe, run: Any) -> list[Change]:
    """Rows in another order in each epoch."""
    return [] if recipe.training.shuffle else [Change(says.SHUFFLED.say(), recipe.replace(shuffle=True))]


def unhindered(recipe: Recipe, run: Any) -> list[Change]:
    """Whatever keeps updates small or late taken away at once: clipping, momentum, schedule."""
    words: list[str] = []
    for remedy in (unclipped, milder_momentum, unscheduled):
        for change in remedy(recipe, run)[:1]:
            recipe, words = change.recipe, [*words, change.words]
    return [Change(join("; ", words), recipe)] if words else []


# Whatever the network: see `settings.OF_TRAINING`.
OF_TRAINING = (unclipped, milder_momentum, unscheduled, settled, weighed_alike, shuffled, unhindered)
