"""A network as a PyTorch module: containers, and axes turned where PyTorch has others."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from backlit.exchange.torch import own
from backlit.exchange.torch.builders import BUILDERS
from backlit.exchange.torch.part import Part
from backlit.exchange.weights.order import FIRST, LAST, Form, along, joined, order_of, plan
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.containers import Parallel, Residual, Sequential
from backlit.nn.layers.sequence import EachStep, Masked
from backlit.nn.layers.transformer import TransformerBlock
from backlit.nn.layers.wired import EDGES, INPUT, OUTPUT, Wired
from backlit.registry import OWN


def built(network: Network) -> nn.Module:
    """The module of a network: see `Network.to_torch`."""
    steps = plan(network.architecture, network.input_shape)
    state = tree.nest(network.state) if network.state else {}
    whole = Part("", network.architecture, network.params, state, steps, network.frozen)
    out = whole.step.out
    module = fitted(whole, whole.step.into, out if isinstance(out, dict) or out in (FIRST, LAST) else LAST)
    learned = [*tree.leaves(network.params), *network.state.values()]
    return module.to(getattr(torch, str(learned[0].dtype)) if learned else None).eval()


def build(part: Part) -> nn.Module:
    """A layer's module, which takes and gives what the plan says."""
    builder = {**CONTAINERS, **BUILDERS}.get(type(part.layer))
    if builder is None:
        own_kind = type(part.layer).__module__.startswith(OWN)
        part.refuse("PyTorch has nothing that does the same" if own_kind else "it is a layer of your own")
    return builder(part)


def fitted(part: Part, have: Form, want: Form) -> nn.Module:
    """A layer's module that takes its input in the form that is there, and gives it in the one that is wanted."""
    shape = part.step.shape
    chain: dict[str, nn.Module] = {}
    if have != part.step.into:
        chain["turn"] = _turn(have, part.step.into, len(shape))
    chain["layer"] = build(part)
    if part.step.out != want:
        chain["back"] = _turn(part.step.out, want, len(part.layer.output_shape(shape)))
    return chain["layer"] if len(chain) == 1 else nn.Sequential(OrderedDict(chain))


def _turn(have: Any, want: Form, axes: int) -> nn.Module:
    """From one form to another: of features that were a picture, or by the number of an example's axes."""
    if have not in (FIRST, LAST):
        return own.Reorder(order_of(have))
    return own.Permute(axes, *range(1, axes)) if want == FIRST else own.Permute(*range(2, axes + 1), 1)


# -------------------------------------------------------------------------------------------- containers


def _sequential(part: Part) -> nn.Module:
    modules: dict[str, nn.Module] = {}
    form = part.step.into
    for name, inner in part.parts():
        if form != inner.step.into:
            modules[f"before_{name}"] = _turn(form, inner.step.into, len(inner.step.shape))
        modules[name] = build(inner)
        form = inner.step.out
    return nn.Sequential(OrderedDict(modules))


def _residual(part: Part) -> nn.Module:
    made = {name: fitted(inner, part.step.into, part.step.out) for name, inner in part.parts()}
    skip = made.get("projection")
    if skip is None and part.step.into != part.step.out:
        skip = _turn(part.step.into, part.step.out, len(part.step.shape))
    return own.Residual(made["body"], skip)


def _parallel(part: Part) -> nn.Module:
    if part.layer.output_names:
        part.refuse("networks of several outputs aren't put together in PyTorch: hand over each by itself")
    modules = [fitted(inner, part.step.into, part.step.out) for _, inner in part.parts()]
    return own.Parallel(modules, part.layer.combine, _channels(part.step.out))


def _wired(part: Part) -> nn.Module:
    if any("." in name for name, _ in part.layer.nodes):
        part.refuse("a module's name can't have a dot in it; give the nodes other names")
    shares = {name: value["scale"] for name, value in part.params.get(EDGES, {}).items()}
    if part.layer.inputs or part.layer.outputs:
        return _named(part, shares)
    common = part.step.into if part.step.into in (FIRST, LAST) else LAST
    nodes = {}
    for name, inner in part.parts():
        shape = inner.step.shape
        nodes[name] = fitted(inner, along(common, shape), along(common, inner.layer.output_shape(shape)))
    shapes = {name: inner.step.shape for name, inner in part.parts()}
    shapes[OUTPUT] = part.layer.output_shape(part.step.shape)
    ways = {name: (part.layer.way(name), _channels(along(common, shape))) for name, shape in shapes.items()}
    return own.Wired(nodes, part.layer.edges, ways, shares)


def _named(part: Part, shares: dict[str, Any]) -> nn.Module:
    """A `Wired` of several inputs or outputs: a value keeps the form in which it is made, and edges turn it."""
    layer, step = part.layer, part.step
    shape: Any = step.shape
    forms = dict(step.into) if layer.inputs else {INPUT: step.into}
    shapes = dict(shape) if layer.inputs else {INPUT: shape}
    nodes: dict[str, nn.Module] = {}

    def joint(name: str, sources: list[str], want: Any) -> own.Joint:
        turned = [one for one in sources if forms[one] != want and (len(shapes[one]) > 1 or not _plain(forms[one]))]
        turns = {one: _turn(forms[one], want, len(shapes[one])) for one in turned}
        shared = shares.get(name) if sources != [name] else None
        return own.Joint(sources, layer.way(name), _channels(want), turns, shared)

    joints: dict[str, own.Joint] = {}
    for name, inner in part.parts():
        sources = layer.sources(name)
        want = joined([forms[source] for source in sources])
        joints[name] = joint(name, sources, want)
        nodes[name] = fitted(inner, want, inner.step.out)
        forms[name], shapes[name] = inner.step.out, inner.layer.output_shape(inner.step.shape)
    outs = step.out if layer.outputs else {OUTPUT: step.out}
    ends = {name: joint(name, [name] if name in nodes else layer.sources(name), out) for name, out in outs.items()}
    return own.Several(layer.inputs, nodes, joints, ends)


def _plain(form: Form) -> bool:
    """Whether it says where channels are, and isn't of a flattened picture."""
    return form in (FIRST, LAST)


def _each_step(part: Part) -> nn.Module:
    (_, body), *_ = part.parts()
    return own.EachStep(fitted(body, LAST, LAST))


def _masked(part: Part) -> nn.Module:
    return own.Masked(build(part.inside("body", part.layer.body)), part.layer.value)


def _channels(form: Form) -> int:
    return 1 if form == FIRST else -1


CONTAINERS: dict[type[Layer], Any] = {
    Sequential: _sequential,
    TransformerBlock: _sequential,
    Residual: _residual,
    Parallel: _parallel,
    Wired: _wired,
    EachStep: _each_step,
    Masked: _masked,
}
