"""An architecture with some of its layers changed, whatever they are inside of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from backlit.errors import InputError
from backlit.nn import initializers
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import Identity
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.dropout import DropConnect
from backlit.nn.layers.embedding import EmbedColumns, Embedding
from backlit.nn.layers.linear import Linear

Rule = Callable[[str, Layer], tuple[Layer, ...]]


def changed(architecture: Layer, rule: Rule) -> Layer:
    """The architecture with each layer that has no parts replaced by what the rule makes of it.

    Parameters
    ----------
    architecture : Layer
    rule : callable
        ``rule(path, layer)`` gives what stands in its place: the layer itself, several, or none.

    Returns
    -------
    Layer
        Containers are of the same kind and settings. In a `Sequential` several layers simply follow one another;
        elsewhere they become one, and a place that must be filled gets an `Identity`.

    Examples
    --------
    >>> import backlit as bl
    >>> net = bl.Sequential(bl.Linear(4), bl.Residual(bl.Linear(4), bl.Tanh()), bl.Softmax())
    >>> changed(net, lambda path, layer: (bl.ReLU(),) if path == "1/body/1" else (layer,) if path != "2" else ())
    Sequential(Linear(4), Residual(Sequential(Linear(4), ReLU())))
    """
    return _one(_changed("", architecture, rule))


def _changed(path: str, layer: Layer, rule: Rule) -> tuple[Layer, ...]:
    pending = layer.parts()
    if not pending:
        return rule(path, layer)

    def inside(value: Any, spread: bool = False) -> Any:
        if isinstance(value, Layer):
            name = next((known for known, part in pending if part is value), None)
            if name is None:
                return (value,) if spread else value
            pending.remove(next(pair for pair in pending if pair[0] == name))
            replacements = _changed(f"{path}/{name}" if path else name, value, rule)
            return replacements if spread else _one(replacements)
        if isinstance(value, tuple):
            return tuple(inside(item) for item in value)
        return value

    new: dict[str, Any] = {}
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if isinstance(layer, Sequential) and field.name == "layers":
            layers = tuple(part for each in value for part in inside(each, spread=True))
            new[field.name] = layers or (Identity(),)
        elif isinstance(value, (Layer, tuple)):
            new[field.name] = inside(value)
    return (layer if all(new[name] == getattr(layer, name) for name in new) else dataclasses.replace(layer, **new),)


def _one(layers: tuple[Layer, ...]) -> Layer:
    return layers[0] if len(layers) == 1 else Sequential(*layers) if layers else Identity()


def in_front(first: Layer, architecture: Layer) -> Layer:
    """The architecture behind one more layer."""
    rest = architecture.layers if isinstance(architecture, Sequential) else (architecture,)
    return Sequential(first, *rest)


def with_fields(layer: Layer, **values: Any) -> Layer:
    """The layer with other values in those fields that it has."""
    names = {field.name for field in dataclasses.fields(layer)}
    return dataclasses.replace(layer, **{name: value for name, value in values.items() if name in names})


def initialised(architecture: Layer, name: str) -> Layer:
    """The architecture with all weights drawn by one initialiser; embeddings, and what starts at zero, stay.

    Raises
    ------
    InputError
        If there is no such initialiser, or nothing that it would draw.

    Examples
    --------
    >>> import backlit as bl
    >>> initialised(bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(2)), "normal:0.01")
    Sequential(Linear(4, weight_init='normal:0.01'), ReLU(), Linear(2, weight_init='normal:0.01'))
    """
    initializers.get(name)
    found = []

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        drawn = getattr(layer, "weight_init", "zeros") != "zeros" and not isinstance(layer, (Embedding, EmbedColumns))
        found.append(drawn)
        return (with_fields(layer, weight_init=name),) if drawn else (layer,)

    new = changed(architecture, rule)
    if not any(found):
        raise InputError(f"initializer {name!r}: {architecture} has no weights that it would draw")
    return new


def with_dropconnect(architecture: Layer, rate: float) -> Layer:
    """The architecture with connections dropped in every dense layer but the last.

    Raises
    ------
    InputError
        If there is no such layer.

    Examples
    --------
    >>> import backlit as bl
    >>> with_dropconnect(bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(2)), 0.2)
    Sequential(DropConnect(4, rate=0.2), ReLU(), Linear(2))
    """
    dense = [path for path, layer in architecture.walk() if type(layer) is Linear]
    if len(dense) < 2:
        raise InputError(f"dropconnect: {architecture} has no dense layer before its last, such as one of mlp:64")

    def rule(path: str, layer: Layer) -> tuple[Layer, ...]:
        if type(layer) is not Linear or path not in dense[:-1]:
            return (layer,)
        fields = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
        return (DropConnect(**fields, rate=rate),)

    return changed(architecture, rule)
