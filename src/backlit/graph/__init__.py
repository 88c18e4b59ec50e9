"""The computational graph and its backpropagation."""

from backlit.graph import ops as ops  # declares the operations, which Tensor's operators need
