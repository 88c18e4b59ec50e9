"""Callbacks that tell a tracker of experiments what a training does: TensorBoard, MLflow, Weights & Biases."""
