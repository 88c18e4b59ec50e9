"""The computational graph and its backpropagation."""

from backlit.graph import ops as ops  # declares the operations, which Tensor's operators need
from backlit.graph.backward import nodes as nodes
