"""What becomes of ONNX's nodes: a rule a kind, entered into `RULES` by the modules here."""

from backlit.exchange.onnx.reading.rules import activations, axes, dense, pictures, sequences

__all__ = ["activations", "axes", "dense", "pictures", "sequences"]
