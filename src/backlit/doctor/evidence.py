"""Evidence: all that the rules may know, in one value."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from backlit.doctor.noise import between_epochs, of_share
from backlit.graph import tree
from backlit.nn.layer import Layer, Network, Place, Shape
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.containers import Parallel, Residual, Sequential
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.normalization import BatchNorm
from backlit.nn.layers.onnx import OnnxGraph
from backlit.nn.layers.pooling import AvgPool1d, AvgPool2d, GlobalAvgPool
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.shaping import Flatten, Permute, Reshape, Select
from backlit.nn.layers.wired import Wired
from backlit.nn.losses import Loss
from backlit.optim.transform import as_transform
from backlit.train.divergence import Divergence

SHORT_OF = 0.05  # of accuracy or R² below a simple model's before a network counts as not having learned
LEARNED = 0.5  # of the guess's loss that a network must be rid of, where no simple model tells what is possible
SURE = 0.9  # rid of so much on rows it has never seen, it has learned, whatever simple models can do
NEIGHBOURS = 5  # epochs before the last one, beside which it is seen
SPIKE, SPIKED = 6.0, 0.5  # standard deviations, and share of itself, by which the last epoch lies off
AVERAGED = 0.1  # of the epochs: the last ones, whose mean counts as the end
SEEN, DEAD_RATE = 200, 0.01  # places of a schedule that are looked at; of its greatest rate
SILENT = (Dropout, Identity, Flatten, Reshape, Permute, Select)  # layers that hand on what they get
STRAIGHT = (*SILENT, AvgPool1d, AvgPool2d, GlobalAvgPool, Rescale, BatchNorm)  # layers that bend nothing


@dataclass(frozen=True)
class PlacedLayer:
    """A layer that computes (no container), as the rules see it.

    Attributes
    ----------
    path, layer :
        As in the network.
    shape, output : tuple of int
        Of one example, in and out.
    skipped : bool
        Whether something leads around it: a residual connection, say.
    name : str
        Of its class in the library that it is from, if that isn't Backlit.
    """

    path: str
    layer: Layer
    shape: Shape
    output: Shape
    skipped: bool
    name: str = ""

    @property
    def kind(self) -> str:
        """The name of its class, to be shown."""
        return self.name or type(self.layer).__name__

    @property
    def gates(self) -> int:
        """How many matrices are stacked in each of its weights."""
        return len(self.layer.gates) if self.layer.recurrent else 1  # type: ignore[attr-defined]

    @property
    def bends(self) -> bool:
        """Whether it is an activation other than the identity."""
        return self.layer.facts is not None and self.layer.facts.bends


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a network, its data and its training.

    Attributes
    ----------
    network : Network
        As it is now.
    loss, optimizer : Loss, Transform
    start : dict
        The record of epoch 0 with "data" and "weights"; empty if there is none.
    looks : list of dict
        Probes after it.
    history : list of dict
    settings : dict
        Of the training; "batch_size", "penalty", "epochs" are read.
    stopped : str
    diverged : Divergence or None
    best_epoch : int or None
    sharpness : float or None
        λ_max at the start, where it was worked out.
    placed : tuple of PlacedLayer or None
        Of a network of another library, which was seen at work: its layers as they followed one another.
    chain : bool
        Of such a network, whether each layer's output went to the next one and nowhere else.
    rare : dict
        Of an imbalanced classification whose rows are at hand: "recall", the share of held-out rows of the other
        classes that are told right, "auc" of the commonest class against them, and "rows", how many they are; likewise
        "learned" and "training" of the training rows.
    answers : dict
        How well the network's own answers fit held-out targets, and if these were named otherwise: see `held.answers`.
    refuted : frozenset of str
        Names of findings that an experiment speaks against.
    loop : dict
        Of a training loop that isn't Backlit's: what was seen of it ("uncleared", "broadcast", "evaluation").
    """

    network: Network
    loss: Loss
    optimizer: Any
    start: dict[str, Any] = field(default_factory=dict)
    looks: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    stopped: str = ""
    diverged: Divergence | None = None
    best_epoch: int | None = None
    sharpness: float | None = None
    placed: tuple[PlacedLayer, ...] | None = None
    chain: bool = True
    rare: dict[str, float] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    refuted: frozenset[str] = frozenset()
    loop: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", as_transform(self.optimizer))

    # ---------------------------------------------------------------------------------------- the network

    @cached_property
    def parts(self) -> list[PlacedLayer]:
        """Layers that compute, in order."""
        if self.placed is not None:
            return list(self.placed)
        return [
            PlacedLayer(place.path, place.layer, place.shape, place.layer.output_shape(place.shape), _skipped(place))
            for place in self.network.architecture.walk_shapes(self.network.input_shape)
            if not place.layer.parts()
        ]

    @cached_property
    def weighted(self) -> list[PlacedLayer]:
        """Those with a weight matrix or filters."""
        return [part for part in self.parts if self.weights(part)]

    @cached_property
    def plain(self) -> bool:
        """Whether layers simply follow one another, so that the next one in order is the next one."""
        if self.placed is not None:
            return self.chain
        return all(not layer.parts() or isinstance(layer, Sequential) for _, layer in self.network.architecture.walk())

    def weights(self, part: PlacedLayer) -> dict[str, Any]:
        """A layer's weight matrices by their paths."""
        prefix = f"{part.path}/" if part.path else ""
        return {
            path: leaf
            for path, leaf in tree.items(self.network.params)
            if path.startswith(prefix) and path.rsplit("/", 1)[-1].startswith("weight") and np.ndim(leaf) > 1
        }

    def follows(self, part: PlacedLayer) -> list[PlacedLayer]:
        """What comes after a layer up to, without it, the next with weights."""
        after = self.parts[self.parts.index(part) + 1 :]
        return list(itertools.takewhile(lambda other: not self.weights(other), after))

    def activation_of(self, part: PlacedLayer) -> PlacedLayer | None:
        """The first activation after a layer, before the next weights."""
        return next((after for after in self.follows(part) if after.bends), None)

    @property
    def last_part(self) -> PlacedLayer | None:
        """The last layer that does anything."""
        return next((part for part in reversed(self.parts) if not isinstance(part.layer, SILENT)), None)

    # ---------------------------------------------------------------------------------------- the data

    @property
    def data(self) -> dict[str, Any]:
        """What was known of the data before training."""
        facts: dict[str, Any] = self.start.get("data", {})
        return facts

    @property
    def inputs(self) -> dict[str, Any]:
        """Of the input columns."""
        facts: dict[str, Any] = self.data.get("inputs") or {}
        return facts

    @property
    def sequences(self) -> dict[str, Any]:
        """Of time steps and padding."""
        facts: dict[str, Any] = self.data.get("sequences") or {}
        return facts

    @property
    def targets(self) -> dict[str, Any]:
        """Of the targets."""
        facts: dict[str, Any] = self.data.get("targets") or {}
        return facts

    @property
    def classes(self) -> bool:
        """Whether it is a classification."""
        return self.data.get("kind", self.loss.target) in ("class", "binary")

    @property
    def guess(self) -> float | None:
        """The loss of the best constant answer."""
        return self.data.get("guess")

    # ---------------------------------------------------------------------------------------- the training

    @property
    def trained(self) -> bool:
        return bool(self.history) or self.diverged is not None

    @property
    def last(self) -> dict[str, Any]:
        return self.looks[-1] if self.looks else self.start

    def column(self, name: str) -> np.ndarray:
        """A column of the history as numbers; empty if there is none. Losses are the mean row's, also of sums."""
        values = np.array([row[name] for row in self.history if row.get(name) is not None], dtype=float)
        summed = self.settings.get("reduction") == "sum" and {"loss": "rows", "val_loss": "held"}.get(name)
        return values / (self.data.get(summed) or 1) if summed else values

    def end(self, name: str) -> float | None:
        """What a column says of the weights that the run returns.

        Its mean over the last tenth of the epochs, unless the last one, whose weights are returned, lies far off; or
        its value at the epoch whose weights were kept.
        """
        values = self.column(name)
        if not len(values):
            return None
        if self.best_epoch and self.best_epoch <= len(values):
            return float(values[self.best_epoch - 1])
        late = values[-max(1, int(len(values) * AVERAGED)) :]
        mean = float(late.mean())
        before = float(np.median(values[-NEIGHBOURS - 1 : -1])) if len(values) > NEIGHBOURS else mean
        off = abs(float(values[-1]) - before)
        spike = off > SPIKE * max(between_epochs(values), 1e-12) and off > SPIKED * abs(before)
        return float(values[-1]) if spike else mean

    def skill(self, validation: bool) -> float | None:
        """Share of the guess's loss that the network got rid of: 1 - loss / guess; below 0, worse than guessing."""
        guess = (self.data.get("held_guess") if validation else None) or self.guess
        loss = self.end("val_loss" if validation else "loss")
        if guess is None or loss is None or guess <= 0:
            return None
        return 1 - loss / guess if math.isfinite(loss) else -math.inf

    @property
    def validated(self) -> bool:
        """Whether rows were held back."""
        return bool(len(self.column("val_loss")))

    def score(self, validation: bool) -> float | None:
        """Accuracy or R² at the end; from the loss where the metric wasn't asked for."""
        name = "accuracy" if self.classes else "r2"
        return self.end(f"val_{name}" if validation else name)

    @property
    def reference(self) -> float | None:
        """The better of the simple models' scores, cautiously: less two standard errors."""
        simple = self.data.get("reference") or {}
        if "linear" not in simple:
            return None
        best = max(simple["linear"], simple["neighbours"], simple["guess"])
        return float(max(best - 2 * of_share(best, simple["rows"]), simple["guess"]))

    @cached_property
    def well(self) -> bool:
        """Whether the network learned what can be expected: then its inside is nobody's business.

        Rid of nine tenths of the guess's loss on rows it has never seen (training rows, if there are no others); or as
        good as simple models and clearly better than guessing; or, where no simple model knows, rid of half.
        """
        if self.diverged is not None or not self.history:
            return False
        skill = self.skill(self.validated)
        if skill is not None and skill >= SURE:
            return True
        score, reference = self.score(self.validated), self.reference
        if skill is None and score is None:
            return True  # nothing can be said
        if score is None or reference is None:
            return skill is None or skill >= LEARNED
        floor = self.data["reference"]["guess"] + SHORT_OF
        learnable = reference > floor
        if not learnable:  # simple models fail: the network must show that it does better, by itself
            return skill is not None and skill >= LEARNED
        return score >= reference - self.short and score >= floor and (skill is None or skill > 0)

    @property
    def fitted(self) -> bool:
        """Whether it learned its training rows, at least: then neither start nor gradients nor rates are at fault."""
        return self.well or (self.diverged is None and (self.skill(False) or 0.0) >= SURE)

    @property
    def interrupted(self) -> bool:
        """Whether somebody ended the training by hand: that it is short is no news then."""
        return self.stopped == "interrupted"

    @property
    def steps(self) -> int:
        """Updates an epoch; where they weren't noted, a batch each."""
        rows, size = self.data.get("rows", 0), self.batch_size
        return int(self.data.get("steps") or (-(-rows // size) if size else 1))

    @property
    def updates(self) -> int:
        """Of the whole training."""
        return self.steps * len(self.history)

    @cached_property
    def travel(self) -> float | None:
        """Σ ‖Δw‖ / ‖w‖ over all updates, of the weights that moved most; None where nothing was looked at."""
        looks = [(record["step"], self.ratio(record)) for record in self.looks]
        known = [(step, ratio) for step, ratio in looks if ratio is not None]
        if not known:
            return None
        steps = np.array([0, *(step for step, _ in known)])
        ratios = np.array([known[0][1], *(ratio for _, ratio in known)])
        return float(((ratios[1:] + ratios[:-1]) / 2 * np.diff(steps)).sum())

    def gradient(self, record: dict[str, Any]) -> float | None:
        """‖∂L/∂w‖ of all parameters together, at a look; None where it wasn't seen."""
        norms = [param.get("gradient_norm") for param in record.get("params", {}).values()]
        known = [norm for norm in norms if norm is not None]
        return math.hypot(*known) if known else None

    @cached_property
    def still(self) -> bool:
        """Whether no weight got a gradient at any look."""
        gradients = [self.gradient(record) for record in [self.start, *self.looks] if record]
        known = [gradient for gradient in gradients if gradient is not None]
        return bool(known) and max(known) == 0

    @cached_property
    def died_at(self) -> float:
        """The share of the training after which the rate never again is a hundredth of its greatest; 1 if it is."""
        rate, updates = self.optimizer.option("learning_rate"), self.updates
        if not callable(rate) or updates < 2:
            return 1.0
        places = np.linspace(0, updates - 1, SEEN)
        try:
            rates = np.array([float(rate(int(place))) for place in places])
        except (TypeError, ValueError):
            return 1.0  # it follows the losses, say
        alive = np.flatnonzero(rates >= DEAD_RATE * rates.max())
        return float((places[alive[-1]] + 1) / updates) if len(alive) and rates.max() > 0 else 0.0

    @property
    def short(self) -> float:
        """By how much a score may lie below the reference and still be as good."""
        rows = self.data.get("held" if self.validated else "rows") or math.inf
        score = self.score(self.validated)
        return math.hypot(SHORT_OF, 1.5 * of_share(score if score is not None else 0.5, rows))

    @property
    def learnable(self) -> bool | None:
        """Whether simple models do clearly better than guessing; None if there are none."""
        reference = self.reference
        return None if reference is None else reference > self.data["reference"]["guess"] + SHORT_OF

    @property
    def weighed(self) -> bool:
        """Whether classes or rows were weighed in training, so that losses of both parts aren't of one kind."""
        return bool(self.settings.get("class_weight") or self.settings.get("sample_weight"))

    @property
    def batch_size(self) -> int:
        return int(self.data.get("batch") or self.settings.get("batch_size") or 0)

    def ratio(self, record: dict[str, Any]) -> float | None:
        """The greatest ‖Δw‖ / ‖w‖ among weight matrices of a look."""
        ratios = [
            param["update_ratio"]
            for path, param in record.get("params", {}).items()
            if "weight" in path.rsplit("/", 1)[-1] and param.get("update_ratio") is not None
        ]
        return max(ratios, default=None)

    @property
    def rate(self) -> float | None:
        """The learning rate, of a schedule its greatest; None if the optimizer has none."""
        return self.optimizer.rate


def _skipped(place: Place) -> bool:
    """Whether something leads around a layer."""
    return any(isinstance(layer, (Residual, Wired, Parallel, OnnxGraph)) for layer in place.around)
