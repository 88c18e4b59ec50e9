"""Remedies that change the network."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any

from backlit.doctor.evidence import SILENT, STRAIGHT, Evidence, PlacedLayer
from backlit.doctor.repair import words as says
from backlit.doctor.repair.change import Change
from backlit.nn.changing import changed, with_fields
from backlit.nn.key import Key
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.activations import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from backlit.nn.layers.activations import Step as StepFunction
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import DropConnect, Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import Masked
from backlit.train.recipe import Recipe

BENDING = (ReLU, LeakyReLU, PReLU, ELU, SiLU, GELU, Softplus)  # He's rule suits them
OF_THEORY = ("xavier", "kaiming", "lecun", "orthogonal")
USUAL_DROPOUT, MILD_DROPOUT = 0.2, 0.3
OTHER_MASK = -1.0  # which few real steps are
WIDER, LEAST_WIDTH, MOST_WIDTH = 4, 32, 512


def seen(recipe: Recipe, run: Any) -> Evidence:
    """The recipe's network as the rules see it: its layers in order, with shapes."""
    network = recipe.architecture.build(run.network.input_shape)
    return Evidence(network=network, loss=run.loss, optimizer=run.optimizer)


def by_theory(part: PlacedLayer, e: Evidence) -> Layer:
    """A layer whose weights start with the variance that its activation wants, biases at their usual value."""
    if isinstance(part.layer, Embedding):  # each of its rows is a signal of its own
        fields = {field.name: field.default for field in dataclasses.fields(part.layer)}
        drawn = part.layer.weight_init.startswith(("normal", "uniform", *OF_THEORY))
        return part.layer if drawn else with_fields(part.layer, weight_init=fields["weight_init"])
    after = e.activation_of(part)
    bends = after is not None and isinstance(after.layer, BENDING)
    usual = "kaiming" if bends else "lecun" if after is not None and isinstance(after.layer, SELU) else "xavier"
    defaults = {field.name: field.default for field in dataclasses.fields(part.layer)}
    present = getattr(part.layer, "weight_init", usual)
    fits = present.startswith(OF_THEORY) and ":" not in present
    new = {"weight_init": present if fits else usual}
    new |= {name: defaults[name] for name in ("bias_init", "recurrent_init") if name in defaults}
    return with_fields(part.layer, **new)


def _start(recipe: Recipe, e: Evidence) -> Layer:
    known = {part.path: part for part in e.weighted}
    return changed(recipe.architecture, lambda path, layer: (by_theory(known[path], e) if path in known else layer,))


def start(recipe: Recipe, run: Any) -> list[Change]:
    """Weights drawn by theory (Glorot, He), biases at zero."""
    new = _start(recipe, seen(recipe, run))
    if new == recipe.architecture and not isinstance(recipe.network, Network):
        return []
    return [Change(says.START.say(), recipe.replace(new))]


def without_end(recipe: Recipe, run: Any) -> list[Change]:
    """The last activation left out: the loss takes scores."""
    e = seen(recipe, run)
    last = e.last_part
    if last is None or not last.bends:
        return []
    new = changed(recipe.architecture, lambda path, layer: () if path == last.path else (layer,))
    return [Change(says.WITHOUT_LAST.say(kind=last.kind), recipe.replace(new))]


def bent(recipe: Recipe, run: Any) -> list[Change]:
    """An activation between linear layers that follow each other."""
    e = seen(recipe, run)
    places = {
        part.path
        for part, _ in pairwise(e.weighted)
        if not part.layer.recurrent and all(isinstance(after.layer, STRAIGHT) for after in e.follows(part))
    }
    if not places:
        return []

    def behind(activation: Layer, name: str) -> Layer:
        def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
            return (with_fields(layer, weight_init=name), activation) if path in places else (layer,)

        return changed(recipe.architecture, rule)

    where = ", ".join(sorted(places))
    return [
        Change(says.ACTIVATION.say(activation=str(activation), where=where), recipe.replace(behind(activation, name)))
        for activation, name in ((ReLU(), "kaiming"), (Tanh(), "xavier"))
    ]


def _reactivated(recipe: Recipe, e: Evidence, activation: Layer) -> Layer:
    """Hidden sigmoids and tanhs replaced, and weights drawn to suit."""
    last = e.weighted[-1].path if e.weighted else ""
    order = {part.path: place for place, part in enumerate(e.parts)}
    old = {
        part.path
        for part in e.parts
        if isinstance(part.layer, (Sigmoid, Tanh)) and last and order[part.path] < order[last]
    }
    before = {part.path for part in e.weighted if (after := e.activation_of(part)) and after.path in old}
    name = "kaiming" if isinstance(activation, ReLU) else "xavier"

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        if path in old:
            return (activation,)
        return (with_fields(layer, weight_init=name, bias_init="zeros") if path in before else layer,)

    return changed(recipe.architecture, rule)


def _normed(architecture: Layer, e: Evidence) -> Layer:
    """A layer norm between weights and activation, in all hidden layers."""
    places = {
        part.path
        for part in e.weighted[:-1]
        if not part.layer.recurrent
        and not any(isinstance(after.layer, (LayerNorm, BatchNorm)) for after in e.follows(part)[:1])
    }
    return changed(architecture, lambda path, layer: (layer, LayerNorm()) if path in places else (layer,))


def flowing(recipe: Recipe, run: Any) -> list[Change]:
    """Activations that pass gradients on, layer norms, or both."""
    e = seen(recipe, run)
    relu = _reactivated(recipe, e, ReLU())
    candidates = [
        (says.RELU.say(), relu),
        (says.NORMED.say(), _normed(_start(recipe, e), e)),
        (says.RELU_NORMED.say(), _normed(relu, e)),
    ]
    new: dict[Layer, str] = {}
    for words, architecture in candidates:
        if architecture != recipe.architecture:
            new.setdefault(architecture, words)
    return [Change(words, recipe.replace(architecture)) for architecture, words in new.items()]


def remembering(recipe: Recipe, run: Any) -> list[Change]:
    """Recurrent layers with gates in place of simple ones."""

    def gated(kind: Any) -> Any:
        def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
            if not isinstance(layer, RNN):
                return (layer,)
            shared = {field.name for field in dataclasses.fields(kind)} & {f.name for f in dataclasses.fields(layer)}
            fields = shared - {"weight_init", "recurrent_init", "bias_init", "form"}
            return (kind(**{name: getattr(layer, name) for name in fields}),)

        return rule

    changes = []
    for kind in (GRU, LSTM):
        new = changed(recipe.architecture, gated(kind))
        if new != recipe.architecture:
            changes.append(Change(says.GATED.say(kind=kind.__name__), recipe.replace(new)))
    return changes


def tamed(recipe: Recipe, run: Any) -> list[Change]:
    """Recurrent weights that start orthogonal, gradients clipped."""
    new = changed(recipe.architecture, lambda path, layer: (with_fields(layer, recurrent_init="orthogonal"),))
    return [Change(says.ORTHOGONAL.say(), recipe.replace(new, clip=1.0))]


def dropout_rates(layer: Layer) -> dict[str, float]:
    """The shares that a layer drops, by the names of its options; empty if it drops nothing by itself."""
    if isinstance(layer, (Dropout, DropConnect)):
        return {"rate": layer.rate}
    return {name: getattr(layer, name) for name in ("dropout", "recurrent_dropout")} if layer.recurrent else {}


def dropped_answers(e: Evidence) -> list[PlacedLayer]:
    """Dropout behind the last weights, but for activations: what it sets to 0 are the answers themselves."""
    last = e.parts.index(e.weighted[-1]) if e.weighted else len(e.parts)
    behind = e.parts[last + 1 :]
    if not all(isinstance(part.layer, SILENT) or part.layer.facts is not None for part in behind):
        return []  # a mean over places, say
    return [part for part in behind if isinstance(part.layer, Dropout) and part.layer.rate > 0]


def thinner_dropout(recipe: Recipe, run: Any) -> list[Change]:
    """Dropout at a usual rate, or none; first of all none of the answers themselves."""
    answers = {part.path for part in dropped_answers(seen(recipe, run))}

    def at(rate: float) -> Layer:
        def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
            return (with_fields(layer, **{name: rate for name, share in dropout_rates(layer).items() if share > rate}),)

        return changed(recipe.architecture, rule)

    if answers:
        kept = changed(recipe.architecture, lambda path, layer: () if path in answers else (layer,))
        return [Change(says.NO_DROPPED_ANSWERS.say(), recipe.replace(kept))]
    return [
        Change(says.DROPOUT.say(rate=rate), recipe.replace(at(rate)), config={"dropout": rate})
        for rate in (USUAL_DROPOUT, 0.0)
        if at(rate) != recipe.architecture
    ]


def wider(recipe: Recipe, run: Any) -> list[Change]:
    """Wider hidden layers, or a first one."""
    e = seen(recipe, run)
    hidden = {part.path for part in e.weighted[:-1]}
    if not hidden and e.weighted:
        last = e.weighted[-1].path
        new = changed(
            recipe.architecture,
            lambda path, layer: (Linear(64, weight_init="kaiming"), ReLU(), layer) if path == last else (layer,),
        )
        return [Change(says.FIRST_HIDDEN.say(), recipe.replace(new))]

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        if path not in hidden:
            return (layer,)
        size = {n: getattr(layer, n) for n in ("units", "channels") if isinstance(getattr(layer, n, None), int)}
        return (
            with_fields(layer, **{n: max(v, min(MOST_WIDTH, max(WIDER * v, LEAST_WIDTH))) for n, v in size.items()}),
        )

    new = changed(recipe.architecture, rule)
    return [] if new == recipe.architecture else [Change(says.WIDER.say(), recipe.replace(new))]


def connected(recipe: Recipe, run: Any) -> list[Change]:
    """Activations with a slope in place of steps; norms of a single number left out."""
    new = changed(recipe.architecture, lambda path, layer: (Tanh() if isinstance(layer, StepFunction) else layer,))
    changes = [] if new == recipe.architecture else [Change(says.SLOPED.say(), recipe.replace(new))]
    for part in seen(recipe, run).parts:
        if of_one_number(part):
            return [_left_out(recipe, part.path, part.kind), *changes]
    return changes


def of_one_number(part: PlacedLayer) -> bool:
    """Whether a layer takes its only number's mean off it, or divides it by itself: it gives the same for all rows."""
    axes = part.layer.axes if isinstance(part.layer, LayerNorm) else 1
    of_one = isinstance(part.layer, (LayerNorm, Softmax)) and math.prod(part.shape[-axes:]) == 1
    return of_one and not part.skipped


def layer_norms(recipe: Recipe) -> Layer:
    """Layer norms in place of batch norms."""
    return changed(recipe.architecture, lambda path, layer: (LayerNorm() if isinstance(layer, BatchNorm) else layer,))


def dropped_out(recipe: Recipe, run: Any) -> Layer:
    """Some dropout before the last weights, if there is none."""
    e = seen(recipe, run)
    if not e.weighted[:-1] or any(isinstance(part.layer, Dropout) for part in e.parts):
        return recipe.architecture
    last = e.weighted[-1].path
    return changed(
        recipe.architecture, lambda path, layer: (Dropout(MILD_DROPOUT), layer) if path == last else (layer,)
    )


def without_source(recipe: Recipe, run: Any) -> list[Change]:
    """A layer without parameters that made a NaN left out, if what follows takes what came before it."""
    if run.diverged is None or run.diverged.kind != "layer":
        return []
    place = run.diverged.path
    part = next((part for part in seen(recipe, run).parts if part.path == place), None)
    if part is None or part.shape != part.output or part.layer.init(Key(0), part.shape)[0]:
        return []
    return [_left_out(recipe, place, part.kind)]


def _left_out(recipe: Recipe, place: str, kind: str) -> Change:
    """A layer less."""
    new = changed(recipe.architecture, lambda path, layer: () if path == place else (layer,))
    return Change(says.WITHOUT_LAYER.say(place=place, kind=kind), recipe.replace(new))


def masked(recipe: Recipe, run: Any) -> list[Change]:
    """Recurrent layers that stand still at padding."""
    if any(isinstance(layer, Masked) for _, layer in recipe.architecture.walk()):
        return []
    facts = run.sequences if isinstance(run, Evidence) else (run.start or {}).get("data", {}).get("sequences") or {}
    value = float(facts.get("padding", 0.0))

    old = recipe.architecture
    if old.takes_integers:  # the mask has to see the tokens, not what they are embedded as
        if not isinstance(old, Sequential) or not any(layer.recurrent for layer in old.layers):
            return []
        end = max(place for place, layer in enumerate(old.layers, start=1) if layer.recurrent)
        new: Layer = Sequential(Masked(*old.layers[:end], value=value), *old.layers[end:])
    else:
        new = changed(old, lambda path, layer: (Masked(layer, value=value) if layer.recurrent else layer,))
    return [] if new == old else [Change(says.STANDING_STILL.say(), recipe.replace(new))]


def other_mask(recipe: Recipe, run: Any) -> list[Change]:
    """Masks with a value that no real step has."""
    present = [layer.value for _, layer in recipe.architecture.walk() if isinstance(layer, Masked)]
    if not present or OTHER_MASK in present:
        return []

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        return (with_fields(layer, value=OTHER_MASK) if isinstance(layer, Masked) else layer,)

    words = says.OTHER_MASK.say(old=present[0], new=OTHER_MASK)
    return [Change(words, recipe.replace(changed(recipe.architecture, rule)))]
