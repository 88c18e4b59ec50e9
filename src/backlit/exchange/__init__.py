"""Networks and data in the forms of other tools: ONNX, PyTorch, Keras, Hugging Face."""
