"""Remedies that change how the network is trained."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from backlit import optim
from backlit.doctor.repair import updates
from backlit.doctor.repair import words as says
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.networks import dropped_out, layer_norms, seen
from backlit.nn.changing import changed, with_fields
from backlit.nn.layers.linear import Linear
from backlit.nn.penalties import L2
from backlit.optim.transform import Chain
from backlit.train.callbacks import EarlyStopping
from backlit.train.recipe import Recipe

BATCH = 32
LEAST_RATE, MOST_RATE = 1e-7, {"Adam": 0.03, "AdamW": 0.03, "RMSprop": 0.03, "AdaGrad": 0.3}
MOST_DESCENT = 0.5  # of gradient descent
LONGER, MUCH_LONGER = 3, 10
PATIENCE = 10
WEAK, STRONGER = 1e-3, 1e-2


def _with(optimizer: Any, **changes: Any) -> Any:
    """An optimizer, or the last one in a chain, with other hyperparameters where it has them."""
    if isinstance(optimizer, Chain):
        return optim.chain(*optimizer.transforms[:-1], _with(optimizer.transforms[-1], **changes))
    names = {field.name for field in dataclasses.fields(optimizer)}
    return optimizer.replace(**{name: value for name, value in changes.items() if name in names})


def rates(recipe: Recipe, factors: tuple[float, ...]) -> list[Change]:
    """The learning rate times each factor; larger ones as long as the optimizer bears them."""
    optimizer = updates.optimizer_of(recipe)
    rate = optimizer.rate
    if not rate:
        return []
    kind = type(optimizer.last).__name__
    changes = []
    for factor in factors:
        new = float(f"{rate * factor:.3g}")
        if LEAST_RATE <= new <= MOST_RATE.get(kind, MOST_DESCENT) or factor < 1:
            candidate = recipe.replace(optimizer=_with(optimizer, learning_rate=new))
            changes.append(Change(says.RATE.say(old=rate, new=new), candidate, config={"learning_rate": new}))
    return changes


def slower(recipe: Recipe, run: Any) -> list[Change]:
    """A third of the learning rate, a tenth, and so on to a thousandth."""
    return rates(recipe, (0.3, 0.1, 0.03, 0.01, 0.003, 0.001))


def faster(recipe: Recipe, run: Any) -> list[Change]:
    """Three times the learning rate, ten times, and so on as long as the optimizer bears it."""
    return rates(recipe, (3.0, 10.0, 30.0, 100.0, 1e3, 1e4))


def longer(recipe: Recipe, run: Any) -> list[Change]:
    """More epochs, and the best of them kept."""
    epochs = recipe.training.epochs
    stopping = recipe.training.early_stopping or PATIENCE
    patience = stopping.patience if isinstance(stopping, EarlyStopping) else stopping
    new = recipe.replace(epochs=LONGER * epochs, early_stopping=stopping)
    words = says.EPOCHS_STOPPED.say(old=epochs, new=LONGER * epochs, patience=patience)
    return [Change(words, new, config={"epochs": LONGER * epochs, "patience": patience})]


def patient(recipe: Recipe) -> Change:
    """More epochs without a stop, since the loss may stay flat for long before it falls; the best of them kept."""
    epochs = recipe.training.epochs
    new = recipe.replace(epochs=LONGER * epochs, early_stopping=LONGER * epochs)
    return Change(says.EPOCHS_BEST.say(old=epochs, new=LONGER * epochs), new)


def larger_batches(recipe: Recipe, run: Any) -> list[Change]:
    """Batches of 32, or layer norm in place of batch norm."""
    size, new = recipe.training.batch_size, layer_norms(recipe)
    changes = []
    if isinstance(size, int) and size < BATCH:
        words = says.BATCHES.say(old=size, new=BATCH)
        changes.append(Change(words, recipe.replace(batch_size=BATCH), config={"batch_size": BATCH}))
    if new != recipe.architecture:
        changes.append(Change(says.LAYER_NORM.say(), recipe.replace(new)))
    return changes


def less_decay(recipe: Recipe, run: Any) -> list[Change]:
    """A hundredth of penalty and weight decay, or none."""
    penalty, optimizer = recipe.training.penalty, updates.optimizer_of(recipe)
    decay = optimizer.option("weight_decay") or 0.0
    changes = []
    if isinstance(penalty, L2) or (penalty is None and decay):
        less = None if penalty is None else dataclasses.replace(penalty, strength=penalty.strength / 100)
        candidate = recipe.replace(penalty=less, optimizer=_with(optimizer, weight_decay=decay / 100))
        changes.append(Change(says.LESS_DECAY.say(), candidate, config={"l2": less.strength} if less else None))
    if penalty is not None or decay:
        candidate = recipe.replace(penalty=None, optimizer=_with(optimizer, weight_decay=0.0))
        changes.append(Change(says.NO_DECAY.say(), candidate, config={"l2": 0.0} if not decay else None))
    return changes


def balanced(recipe: Recipe, run: Any) -> list[Change]:
    """Classes weighed equally; and trained for longer, since rare rows come by rarely."""
    if run.targets.labels is None or recipe.training.class_weight is not None or len(run.targets.outputs) > 1:
        return []
    epochs = recipe.training.epochs
    candidate = recipe.replace(class_weight="balanced")
    changes = [
        Change(
            says.BALANCED_LONGER.say(old=epochs, new=times * epochs), candidate.replace(epochs=times * epochs),
            "balanced error", {"balance": True, "epochs": times * epochs},
        )
        for times in (LONGER, MUCH_LONGER)
    ]  # fmt: skip
    return [*changes, Change(says.BALANCED.say(), candidate, "balanced error", {"balance": True})]


def restrained(recipe: Recipe, run: Any) -> list[Change]:
    """Early stopping, alone and with a penalty or dropout."""
    stopping = recipe.training.early_stopping or max(3, recipe.training.epochs // 10)
    candidate = recipe.replace(early_stopping=stopping)
    patience = stopping.patience if isinstance(stopping, EarlyStopping) else stopping
    changes = []
    if not recipe.training.early_stopping:
        words = says.STOPPED.say(patience=patience)
        changes.append(Change(words, candidate, config={"patience": patience}))
    if recipe.training.penalty is None:
        for strength in (WEAK, STRONGER):
            config = {"patience": patience, "l2": strength}
            changes.append(
                Change(says.STOPPED_L2.say(strength=strength), candidate.replace(penalty=L2(strength)), config=config)
            )
    new = dropped_out(recipe, run)
    if new != recipe.architecture:
        changes.append(Change(says.STOPPED_DROPOUT.say(), candidate.replace(new)))
    return changes


def scaled_targets(recipe: Recipe, run: Any) -> list[Change]:
    """Numbers learned with mean 0 and variance 1, told in their own unit."""
    kinds = {targets.kind for targets in getattr(run.targets, "heads", {"": run.targets}).values()}
    if recipe.training.standardize_targets or "number" not in kinds or recipe.training.encoding:
        return []
    return [Change(says.TARGETS_SCALED.say(), recipe.replace(standardize_targets=True))]


def as_classes(recipe: Recipe, run: Any) -> list[Change]:
    """Classes learned as classes, with an output each."""
    y = np.asarray(recipe.y)
    e = seen(recipe, run)
    whole = y.dtype.kind == "f" and y.ndim <= 2 and (y == np.round(y)).all()
    if not whole or not isinstance(e.weighted[-1].layer, Linear):
        return []
    y = y.astype(int)[:, 0] if y.ndim == 2 else y.astype(int)
    last, count = e.weighted[-1].path, len(np.unique(y))
    new = changed(
        recipe.architecture, lambda path, layer: (with_fields(layer, units=count) if path == last else layer,)
    )
    candidate = recipe.replace(new, loss="cross_entropy", standardize_targets=False, metrics=None)
    candidate = dataclasses.replace(candidate, y=y)
    validation = recipe.training.validation
    if isinstance(validation, (tuple, list)):
        candidate = candidate.replace(validation=(validation[0], np.asarray(validation[1]).astype(int).reshape(-1)))
    return [Change(says.AS_CLASSES.say(count=count), candidate, "error")]


def on_scores(recipe: Recipe, run: Any) -> list[Change]:
    """A loss that takes scores, where the logarithm of an output was taken that needn't be positive."""
    if run.loss.activation != "identity" or run.targets.kind != "class":
        return []
    return [Change(says.ON_SCORES.say(), recipe.replace(loss="cross_entropy"))]


# What changes the training alone, whatever the network: tried on networks of several inputs and outputs, too.
OF_TRAINING = (slower, faster, longer, less_decay, scaled_targets, *updates.OF_TRAINING)
