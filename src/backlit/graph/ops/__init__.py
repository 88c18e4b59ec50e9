"""Differentiable operations on Tensors and plain arrays."""

from backlit.graph.op import REGISTRY
from backlit.graph.ops.arithmetic import add, divide, multiply, negative, subtract
from backlit.graph.ops.linalg import matmul, matrix_transpose
from backlit.graph.ops.shape import identity

__all__ = sorted(REGISTRY)
