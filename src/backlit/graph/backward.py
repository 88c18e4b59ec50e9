"""The backward pass: from one output to whatever it depends on, by an explicit order and without recursion."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from backlit.errors import GradientError, ZeroGradientWarning
from backlit.graph.op import debugging, namespace, transforming
from backlit.graph.tensor import FUNCTIONS, Array, Tensor, value_of


def nodes(output: Tensor, stop: Iterable[Tensor] = ()) -> list[Tensor]:
    """Every Tensor that an output depends on, itself included, parents before children; nothing above those in `stop`.

    Examples
    --------
    >>> import backlit as bl
    >>> x = bl.tensor(3.0, name="x")
    >>> [node.op.name if node.op else node.name for node in nodes(x * x + 1.0)]
    ['x', 'multiply', 'add']
    """
    border = {tensor.serial for tensor in stop}
    reached = {output.serial: output}
    stack = [output]
    while stack:
        node = stack.pop()
        if node.serial in border:
            continue
        for parent in node._parents:
            if type(parent) is Tensor and parent.serial not in reached:
                reached[parent.serial] = parent
                stack.append(parent)
    return [reached[serial] for serial in sorted(reached)]


def unbroadcast(gradient: Any, like: Any) -> Any:
    """A gradient summed back to the shape, and cast to the type, of what was broadcast."""
    shape = like.shape
    if gradient.shape != shape:
        extra = len(gradient.shape) - len(shape)
        axes = tuple(range(extra)) + tuple(
            extra + i for i, size in enumerate(shape) if size == 1 and gradient.shape[extra + i] != 1
        )
        if axes:
            gradient = gradient.sum(axis=axes)
        if gradient.shape != shape:
            gradient = gradient.reshape(shape)
    return gradient if gradient.dtype == like.dtype else gradient.astype(like.dtype)


def is_float(dtype: Any) -> bool:
    """Whether numbers of this type have gradients (bfloat16 is kind "V" to NumPy)."""
    return dtype.kind == "f" or "float" in str(dtype)


def downstream(node: Tensor, position: int, upstream: Array) -> Array | None:
    """The gradient that goes from a node to one of its inputs, of the input's shape and type; None if none does."""
    parent = node.parents[position]
    rule = None if node.op is None else node.op.rule(position)
    if rule is None or not is_float(parent.dtype):
        return None
    with transforming():
        part = rule(upstream, node.value, *[value_of(p) for p in node.parents], **node.static)
        return unbroadcast(part, value_of(parent))


def pull(
    order: list[Tensor], upstream: Any, targets: list[Tensor], *, differentiable: bool = False
) -> list[Any | None]:
    """Gradient of the last tensor in `order` with respect to each target; None where no path leads.

    `order` is used up from its end, and each node's gradient is dropped once it was passed on: if nobody
    else holds the graph, memory is freed on the way. With `differentiable`, rules run on Tensors, and the
    gradients are Tensors that can be differentiated again.
    """
    if not order:
        return [None] * len(targets)
    leads = {target.serial for target in targets}  # tensors from which a path goes to a target
    wanted = frozenset(leads)
    for node in order:
        for parent in node._parents:
            if type(parent) is Tensor and parent.serial in leads:
                leads.add(node.serial)
                break
    gradients: dict[int, Any] = {order[-1].serial: upstream}
    wanted_gradients: dict[int, Any] = {}
    checking = debugging()
    while order:
        node = order.pop()
        gradient = gradients.pop(node.serial, None)
        if gradient is None:
            continue
        if node.serial in wanted:
            wanted_gradients[node.serial] = gradient
        op = node._op
        if op is None or op.is_step:
            continue
        parents = node._parents
        static = node._static
        output = node if differentiable else node._value
        inputs = parents if differentiable else [p._value if type(p) is Tensor else p for p in parents]
        for position, parent in enumerate(parents):
            if type(parent) is not Tensor or parent.serial not in leads:
                continue
            like = parent._value
            dtype = like.dtype
            if dtype.kind != "f" and not is_float(dtype):
                continue
            rule = op.rule(position)
            if rule is None:
                continue
            part = rule(gradient, output, *inputs, **static) if static else rule(gradient, output, *inputs)
            if checking:
                op.check_gradient(position, gradient, part)
            if part.dtype is not dtype or part.shape != like.shape:
                part = unbroadcast(part, like)
            before = gradients.get(parent.serial)
            gradients[parent.serial] = part if before is None else before + part
    return _separate([wanted_gradients.get(target.serial) for target in targets], upstream)


def _separate(gradients: list[Any | None], upstream: Any) -> list[Any | None]:
    """Gradients that their owners may change: rules hand on one array to several inputs, and views that only read."""
    seen = {id(_base(upstream))} if isinstance(upstream, np.ndarray) else set()
    for i, gradient in enumerate(gradients):
        if isinstance(gradient, np.ndarray):
            base = id(gradient if gradient.base is None else _base(gradient))
            if base in seen or not gradient.flags.writeable:
                gradients[i] = gradient.copy()
            seen.add(base)
    return gradients


def _base(array: Any) -> Any:
    """The array whose memory a view shows."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array


def ones_like(value: Array) -> Array:
    """The gradient of a value with respect to itself."""
    if isinstance(value, np.generic):
        return value.dtype.type(1)
    return namespace(value).ones(value.shape, dtype=value.dtype)


def zeros_like(value: Array) -> Array:
    """The gradient of whatever doesn't matter."""
    return namespace(value).zeros(value.shape, dtype=value.dtype)


def require_scalar(output: Any, remedy: str) -> None:
    """Refuse a gradient of many numbers at once."""
    if output.shape != ():
        raise GradientError(f"a gradient needs one number to differentiate, got shape {output.shape}; {remedy}")


def require_float(value: Any, label: str) -> None:
    """Refuse a gradient with respect to whole numbers."""
    if not is_float(value.dtype):
        raise GradientError(
            f"{label} has dtype {value.dtype}: a gradient needs real numbers; write 2.0 instead of 2, or use astype"
        )


def refuse_whole_numbers(order: list[Tensor]) -> None:
    """Refuse leaves of whole numbers that a gradient would go to; as indices or before `astype` they are data."""
    whole = {node.serial for node in order if node._op is None and not is_float(node.dtype)}
    if not whole:
        return
    for node in order:
        if node._op is None or node._op.name == "astype":
            continue
        for position, parent in enumerate(node._parents):
            if type(parent) is Tensor and parent.serial in whole and node._op.rule(position) is not None:
                require_float(parent, parent.label())


def warn_if_cut(order: list[Tensor], target: Tensor, label: str) -> None:
    """Say so when a target reaches the output through step functions alone, and its gradient is therefore zero."""
    reached = {target.serial}
    cuts = []
    for node in order:
        if any(type(parent) is Tensor and parent.serial in reached for parent in node._parents):
            reached.add(node.serial)
            if node._op is not None and node._op.is_step:
                cuts.append(node._op.name)
    if cuts:
        warnings.warn(
            f"the gradient of {label} is zero everywhere: it reaches the output only through "
            f"{', '.join(sorted(set(cuts)))}, whose derivative is zero wherever it exists; "
            "use a smooth function (sigmoid for step, tanh for sign)",
            ZeroGradientWarning,
            stacklevel=4,
        )


def fill_gradients(output: Tensor, upstream: Array | None = None) -> None:
    """`Tensor.backward`: add to `grad` of the leaves and named tensors that `output` depends on."""
    if upstream is None:
        require_scalar(output, "use .sum() or .mean(), or pass the gradient that arrives: backward(upstream)")
        upstream = ones_like(output.value)
    elif np.shape(upstream) != output.shape:
        raise GradientError(f"upstream has shape {np.shape(upstream)}, the tensor {output.shape}: they must be equal")
    else:
        upstream = namespace(output.value).asarray(upstream, dtype=output.dtype)
    require_float(output, output.label())
    order = nodes(output)
    refuse_whole_numbers(order)
    targets = [node for node in order if (node._op is None or node.name is not None) and is_float(node.dtype)]
    with transforming():
        gradients = pull(list(order), upstream, targets)
    for target, gradient in zip(targets, gradients, strict=True):
        if gradient is None:
            warn_if_cut(order, target, target.label())
            gradient = zeros_like(target.value)
        target.grad = gradient if target.grad is None else target.grad + gradient


FUNCTIONS["backward"] = fill_gradients
