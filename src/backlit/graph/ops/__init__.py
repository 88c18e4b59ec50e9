"""Differentiable operations on Tensors and plain arrays."""

from backlit.graph.ops.activation import elu, gelu, gelu_tanh, leaky_relu, prelu, selu, silu
from backlit.graph.ops.arithmetic import (
    abs,
    add,
    clip,
    divide,
    equal,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from backlit.graph.ops.attention import attention
from backlit.graph.ops.convolution import conv, conv_transpose
from backlit.graph.ops.elementwise import (
    cos,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    relu,
    round,
    sigmoid,
    sin,
    softplus,
    step,
    tanh,
)
from backlit.graph.ops.gru import gru
from backlit.graph.ops.indexing import getitem, scatter, scatter_add, take, take_along_axis
from backlit.graph.ops.linalg import einsum, inverse, linear, matmul, outer, solve
from backlit.graph.ops.lstm import lstm
from backlit.graph.ops.normalization import batch_norm
from backlit.graph.ops.pooling import avg_pool, max_pool
from backlit.graph.ops.random import uniform
from backlit.graph.ops.recurrence import rnn
from backlit.graph.ops.reduction import (
    argmax,
    argmin,
    cumsum,
    logsumexp,
    max,
    mean,
    min,
    norm,
    prod,
    std,
    sum,
    var,
)
from backlit.graph.ops.shape import (
    astype,
    broadcast_to,
    concatenate,
    expand_dims,
    flip,
    identity,
    matrix_transpose,
    pad,
    reshape,
    split,
    squeeze,
    stack,
    stop_gradient,
    transpose,
)
from backlit.graph.ops.stable import (
    at_least_tiny,
    binary_cross_entropy,
    cross_entropy,
    cross_entropy_probabilities,
    huber,
    log_softmax,
    negative_log,
    softmax,
)
from backlit.graph.registry import REGISTRY

__all__ = sorted([*REGISTRY, "argmax", "argmin", "equal", "uniform"])
