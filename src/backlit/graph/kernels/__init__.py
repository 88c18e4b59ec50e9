"""Kernels: what NumPy and XLA do in ways of their own; `of` looks them up by the namespace of the arrays.

What belongs here: whatever has no form, written over the array namespace, that is quick in both, or that neither
namespace has. Each has a module of functions with the same names, and these give the same numbers:

======================================  ==================================================================
conv(x, weight, window)                 convolution (batch, *sizes, channels) -> (batch, *positions, out)
conv_input(g, weight, window, sizes)    its adjoint in x: from the gradient at y to that at x
conv_weight(x, g, window)               its adjoint in the weight
fold(parts, window, sizes)              for each tap a part (batch, *positions, channels), added up in place
scan(f, carry, xs, reverse)             a loop along the first axis of xs, or back
linear(x, weight)                       x Wᵀ of a dense layer: (..., inputs) -> (..., units)
linear_weight(x, g)                     its gradient by the weight, Gᵀ x
recurrence(kind, arrays, mask, keep)    a whole "rnn", "gru" or "lstm" with its gradient; None if there is no kernel
narrow_product(a, b), narrow_einsum     products of inputs rounded to bfloat16; XLA's alone
erf(x)                                  the error function
======================================  ==================================================================

Weights are (out, *kernel, channels / groups).

This is the one place where kernels are chosen: `of` picks the module by the arrays, and the module's functions pick
by shape, type and device whichever form is the quickest. Native kernels, bound through XLA's foreign function
interface, are one more form in XLA's module; the operations don't notice.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from backlit.graph.precision import is_narrow
from backlit.graph.tensor import Tensor


def of(xp: Any) -> ModuleType:
    """The kernels for arrays of this namespace; those of NumPy never import JAX."""
    if xp is np:
        from backlit.graph.kernels import numpy as numpy_kernels

        return numpy_kernels
    from backlit.graph.kernels import xla as xla_kernels

    return xla_kernels


def product(a: Any, b: Any) -> Any:
    """``a @ b`` in the precision that is asked for."""
    traced = b if type(a) is np.ndarray else a  # a constant may be NumPy's, on either side
    if type(traced) is np.ndarray or not is_narrow() or type(a) is Tensor or type(b) is Tensor:
        return a @ b  # of Tensors it is an operation, which comes back here with their arrays
    return of(traced.__array_namespace__()).narrow_product(a, b)


def linear_weight(x: Any, g: Any) -> Any:
    """A dense layer's gradient by the weight, ``Gᵀ x``, in the quickest form."""
    if type(x) is Tensor or type(g) is Tensor:
        return g.mT @ x
    array = x if type(g) is np.ndarray else g  # a constant may be NumPy's, on either side
    return of(array.__array_namespace__()).linear_weight(x, g)
