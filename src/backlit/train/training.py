"""Recipe: the call of `fit` behind a run, so that it can be trained again, as it was or changed."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backlit.errors import InputError
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Parallel
from backlit.train.callbacks import EarlyStopping
from backlit.train.result import Run

# What says where a run goes, who is told of it and how long it may take on the way, not what is trained.
OF_THE_CALL = (
    "checkpoint", "checkpoint_every", "resume", "overwrite", "progress", "strict", "callbacks", "chunk", "config",
)  # fmt: skip
SHARE = 0.2  # of the rows, held back where nothing was
KEPT = (
    "epochs", "batch_size", "seed", "engine", "dtype", "accumulate", "reduction", "shuffle", "standardize_targets",
    "ensemble", "steps_per_epoch",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recipe:
    """What `fit` was called with.

    Attributes
    ----------
    network : Layer or Network
    x, y : as given to `fit`
        References, no copies.
    options : dict
        Its other arguments, those that were given. Callbacks aren't among them: training again doesn't call them.
    finish : callable, optional
        ``finish(run) -> run`` adds what came after training: scores on test rows, calibration.
    """

    network: Layer | Network
    x: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[Run], Run] | None = None

    @property
    def architecture(self) -> Layer:
        """The network without parameters."""
        return self.network.architecture if isinstance(self.network, Network) else self.network

    @property
    def trained(self) -> Layer:
        """The architecture that the run ends with: the network's, or an ensemble's."""
        from backlit.train.ensemble import COMBINE

        count = self.options.get("ensemble", 1)
        way = COMBINE.get(str(getattr(self.job().loss, "activation", None)), "mean") if count > 1 else ""
        return Parallel(*[self.architecture] * count, combine=way) if count > 1 else self.architecture

    @property
    def seed(self) -> int:
        return int(self.options.get("seed", 0))

    def replace(self, network: Layer | Network | None = None, **options: Any) -> Recipe:
        """The same with another network, or other options."""
        return dataclasses.replace(self, network=network or self.network, options=self.options | options)

    def job(self) -> Any:
        """What training needs, checked: see `backlit.train.prepare.prepare`."""
        from backlit.train.prepare import prepare

        known = inspect.signature(prepare).parameters
        return prepare(
            self.network, self.x, self.y, **{name: own for name, own in self.options.items() if name in known}
        )

    def fit(self, **options: Any) -> Run:
        """Train; `options` come first, and aren't kept if they only say where the run goes."""
        from backlit.train.fit import fit

        return fit(self.network, self.x, self.y, **(self.options | options))

    def held(self, share: float = SHARE) -> Recipe:
        """The same with the held-out rows by number, so that another seed or kind of target holds back the same ones.

        Where nothing is held back, a share is.
        """
        from backlit.train.ensemble import Folds

        validation = self.options.get("validation")
        if validation is not None and not isinstance(validation, (int, float)):
            return self
        job = self.replace(validation=validation or share).job()
        rows = tuple(batches.rows for batches in job.judge)
        return self.replace(validation=Folds(rows))


def recipe_of(run: Run, x: Any = None, y: Any = None, **options: Any) -> Recipe:
    """What would train a run again: what it keeps itself, or, of a loaded one, what its folder tells and the data.

    Raises
    ------
    InputError
        If the data is needed and wasn't given, isn't that of the training, or an option is needed that no file tells.
    """
    if (x is None) != (y is None):
        raise InputError("give both x and y, or neither")
    if run.recipe is not None and x is None:
        return run.recipe.replace(**options) if options else run.recipe
    if x is None:
        raise InputError(
            "this run doesn't hold its data any more (it was loaded from a folder): give it, run.fix(x, y); "
            "for runs of backlit train there is backlit diagnose RUN --fix"
        )
    if run.recipe is not None:
        return _same_data(run, dataclasses.replace(run.recipe, x=x, y=y).replace(**options))
    told = {name: run.settings[name] for name in KEPT if run.settings.get(name) is not None}
    told |= {"mixup": run.settings.get("mixup") or 0.0, "batch_size": run.settings.get("batch_size")}
    told |= {"loss": run.loss, "optimizer": run.optimizer, "preparation": run.preparation}
    told |= {"metrics": list(run.metrics.values())}
    if run.settings.get("class_weight") == "balanced":
        told["class_weight"] = "balanced"
    if isinstance(run.settings.get("early_stopping"), dict):
        told["early_stopping"] = EarlyStopping(**run.settings["early_stopping"])
    for name in ("penalty", "class_weight", "sample_weight"):
        own = run.settings.get(name)
        if own and name not in options and name not in told:
            raise InputError(
                f"the run was trained with {name}={own if isinstance(own, str) else '…'}, which its folder doesn't "
                f"hold: give it again, run.fix(x, y, {name}=...)"
            )
    validation = run.settings.get("validation")
    if validation is True and "validation" not in options:
        raise InputError("the run was trained with held-out rows of its own: give them, validation=(x, y)")
    if isinstance(validation, float):
        told["validation"] = validation
    count = int(told.get("ensemble", 1))
    inside = run.network.architecture
    network = inside.layers[0] if count > 1 and isinstance(inside, Parallel) else inside
    return _same_data(run, Recipe(network, x, y, told | options))


def _same_data(run: Run, recipe: Recipe) -> Recipe:
    """The recipe, if its data is what the run was trained on."""
    from backlit.train.fit import fingerprint

    told = run.settings.get("data")
    if told is not None and fingerprint(recipe.job()) != told:
        raise InputError(
            "this isn't the data that the run was trained on: rows, targets or held-out rows differ; give what fit was "
            "given, in the same order"
        )
    return recipe
