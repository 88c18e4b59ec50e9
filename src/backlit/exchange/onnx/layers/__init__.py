"""How Backlit's layers are written in ONNX's operators, one file a family."""
