"""The forward pass of a network: inputs are held to its shape, then its layers are called in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from backlit.errors import ShapeError
from backlit.nn.context import CallOptions, Context, Params
from backlit.nn.shapes import Shapes, named, shape_of


def forward(
    architecture: Any,
    input_shape: Any,
    params: Params,
    x: Any,
    *,
    state: dict[str, Any],
    **options: Unpack[CallOptions],
) -> tuple[Any, dict[str, Any]]:
    """The raw output for a batch, and the running state afterwards (pure).

    Parameters
    ----------
    params : nested dict of arrays or Tensors
    x : array (batch, *input_shape), or dict of name to array
    state : dict of arrays
        Running values by path.
    **options :
        As in `Context`: training, seed, step, tap, mask, targets, fresh, probe, cache.

    Raises
    ------
    ShapeError
        If `x` has rows of another shape.
    """
    if isinstance(input_shape, Shapes):
        x = named(x, tuple(input_shape), "x", "input")
        if len({array.shape[0] for array in x.values()}) > 1:
            counts = ", ".join(f"{array.shape[0]} of {name!r}" for name, array in x.items())
            raise ShapeError(f"all inputs need equally many rows, got {counts}")
    if shape_of(x) != input_shape:
        raise _unlike(x, input_shape)
    context = Context(states=state, **options)
    output = architecture(params, x, context)
    if context.probe is not None:
        output = context.probe.layer("", architecture, x, output)
    return output, {**state, **context.updates}


def fitting(architecture: Any, shape: Any) -> Any:
    """Shapes in the order of the architecture's inputs; a shape for each of them, or one where it takes one array.

    Raises
    ------
    ShapeError, InputError
        If the architecture takes one array and has several, or the other way round; or names don't fit.
    """
    names = architecture.input_names
    if names:
        return Shapes(named(shape, names, "input_shape", "input"))
    refuse_several(architecture, shape)
    return shape


def refuse_several(layer: Any, shape: Any) -> None:
    """Refuse several arrays where a layer takes one."""
    if isinstance(shape, Shapes) and not layer.input_names:
        raise ShapeError(
            f"{layer} takes one array, not several by name ({', '.join(shape)}); bl.Wired(nodes, edges, "
            f"inputs=({', '.join(map(repr, shape))}, ...)) says where each goes"
        )


def _unlike(x: Any, input_shape: Any) -> ShapeError:
    """The error for inputs of another shape than the network's."""
    if isinstance(x, Mapping) and not isinstance(input_shape, Shapes):
        return ShapeError(f"the network takes one array, got several by name: {', '.join(map(str, x))}")
    if isinstance(input_shape, Shapes):
        wrong = next(name for name, shape in input_shape.items() if tuple(x[name].shape[1:]) != shape)
        return ShapeError(f"input {wrong!r}: {_unlike(x[wrong], input_shape[wrong])}")
    return ShapeError(
        f"the network was built for inputs of shape (batch, {', '.join(map(str, input_shape))}), "
        f"got {tuple(x.shape)}" + ("; that is one row: pass x[None]" if tuple(x.shape) == input_shape else "")
    )
