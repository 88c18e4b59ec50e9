"""Recipe: the call of `fit` behind a run, so that it can be trained again, as it was or changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.data.frames import some_rows
from backlit.data.transformers import Transformer, is_transformer, learned, needs_fit
from backlit.errors import InputError
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Parallel
from backlit.settings import MISSING, declared
from backlit.train.ensemble import Folds, combined
from backlit.train.examples import Examples, examples_of
from backlit.train.fingerprint import same_data
from backlit.train.fit import Keeper, fit
from backlit.train.result import Result
from backlit.train.scores import wanted_again
from backlit.train.streamed.sources import FORM, stream_of
from backlit.train.training import Training

SHARE = 0.2  # of the rows, held back where nothing was
# What a folder tells elsewhere than in the settings: a run has it by the same name, besides its metrics.
OF_THE_RUN = ("loss", "optimizer", "preparation")


@dataclass(frozen=True, eq=False)
class Recipe:
    """What `fit` was called with.

    Attributes
    ----------
    network : Layer or Network
    x, y : as given to `fit`
        References, no copies.
    training : Training
        Its other arguments. Callbacks aren't among them: training again doesn't call them.
    finish : callable, optional
        ``finish(run) -> run`` adds what came after training: scores on test rows, calibration.
    """

    network: Layer | Network
    x: Any
    y: Any
    training: Training = field(default_factory=Training)
    finish: Callable[[Result], Result] | None = None

    @property
    def architecture(self) -> Layer:
        """The network without parameters."""
        return self.network.architecture if isinstance(self.network, Network) else self.network

    @property
    def trained(self) -> Layer:
        """The architecture that the run ends with: the network's, or an ensemble's."""
        count = self.training.ensemble
        return combined(self.architecture, count, self.examples().loss) if count > 1 else self.architecture

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return self.training.seed

    @property
    def streamed(self) -> bool:
        """Whether the data is a stream, which no one holds."""
        return stream_of(self.x, self.y, self.training) is not None

    def replace(self, network: Layer | Network | None = None, **options: Any) -> Recipe:
        """The same with another network, or other options."""
        return dataclasses.replace(self, network=network or self.network, training=self.training.replace(**options))

    def examples(self) -> Examples:
        """Rows, targets and weights as the training has them, checked; nothing goes to a device for it."""
        return examples_of(self.network, self.x, self.y, self.training)

    def prepared(self) -> Recipe:
        """The same with a preparation that has learned: a transformer of scikit-learn that hasn't, learns here.

        From the rows of training alone; which they are, no preparation changes.
        """
        preparation = self.training.preparation
        if not is_transformer(preparation):
            return self
        if not needs_fit(preparation):
            return self.replace(preparation=Transformer(preparation))
        if self.streamed:
            raise InputError(
                f"preparation: {type(preparation).__name__} hasn't learned yet, and would have to read the whole "
                "stream first: let it learn (fit, or partial_fit block by block), then give it"
            )
        whole = self.replace(preparation=learned(preparation, self.x, self.y))
        validation = self.training.validation
        if not isinstance(validation, (int, float, Folds)):
            return whole
        rows = np.unique(np.concatenate(whole.examples().split.training))
        return self.replace(preparation=learned(preparation, some_rows(self.x, rows), some_rows(self.y, rows)))

    def fit(self, keeper: Keeper | None = None, **options: Any) -> Result:
        """Train; `options` come first, and aren't kept if they only say where the run goes."""
        recipe = self.replace(**options).prepared()
        run = fit(recipe.network, recipe.x, recipe.y, recipe.training, keeper)
        run.recipe = dataclasses.replace(recipe, training=recipe.training.again())
        return run

    def with_validation(self, share: float = SHARE) -> Recipe:
        """The same with the validation rows by number, so that another seed or kind of target holds back the same ones.

        Where nothing is held back, a share is.
        """
        validation = self.training.validation
        if validation is not None and not isinstance(validation, (int, float)):
            return self
        rows = self.replace(validation=validation or share).examples().split.validation
        return self.replace(validation=Folds(tuple(rows or ())))


def recipe_of(run: Result, x: Any = None, y: Any = None, **options: Any) -> Recipe:
    """What would train a run again: what it keeps itself, or, of a loaded one, what its folder tells and the data.

    Raises
    ------
    InputError
        If the data is needed and wasn't given, isn't that of the training, or an option is needed that no file tells.
    """
    if (x is None) != (y is None):
        raise InputError("give both x and y, or neither")
    if str(run.settings.get("data", "")).startswith(FORM):
        raise InputError(
            "this run was trained on a stream, which can't be trained on again with changes side by side: take a part "
            "of it that fits into memory, train on that by bl.fit(network, x, y), and ask there"
        )
    if x is None:
        if run.recipe is None:
            raise InputError(
                "this run doesn't hold its data any more (it was loaded from a folder): give it, run.fix(x, y); "
                "for runs of backlit train there is backlit diagnose RUN --fix"
            )
        recipe: Recipe = run.recipe
        return recipe.replace(**options) if options else recipe
    if run.recipe is not None:
        recipe = dataclasses.replace(run.recipe, x=x, y=y).replace(**options)
    else:
        inside = run.network.architecture
        if run.settings.get("ensemble", 1) > 1 and isinstance(inside, Parallel):
            inside = inside.layers[0]
        recipe = Recipe(inside, x, y, training_of(run, options))
    if not same_data(run.settings.get("data"), recipe.examples()):
        raise InputError(
            "this isn't the data that the run was trained on: rows, targets or held-out rows differ; give what fit was "
            "given, in the same order"
        )
    return recipe


def training_of(run: Result, options: dict[str, Any]) -> Training:
    """The options that a loaded run was trained with: those given, and what its folder tells of the others.

    Raises
    ------
    InputError
        If one is needed that the folder doesn't tell.
    """
    told, lacking = told_by_folder(run)
    for name in lacking:
        if name in options:
            continue
        if name == "validation":
            raise InputError("the run was trained with held-out rows of its own: give them, validation=(x, y)")
        written = run.settings[name] if isinstance(run.settings[name], str) else "…"
        raise InputError(
            f"the run was trained with {name}={written}, which its folder doesn't hold: give it again, "
            f"run.fix(x, y, {name}=...)"
        )
    return Training(**{**told, **options})


def told_by_folder(run: Result) -> tuple[dict[str, Any], list[str]]:
    """The options that a loaded run's folder tells, by name, and the names of those that it was given but can't."""
    told: dict[str, Any] = {name: getattr(run, name) for name in OF_THE_RUN}
    told["metrics"] = wanted_again(run.metrics)
    lacking = []
    for name, option in declared(Training).items():
        if not option.kept or name in told or name not in run.settings:
            continue
        value = option.form.read(run.settings[name])
        if value is MISSING:
            lacking.append(name)
        else:
            told[name] = value
    return told, lacking
