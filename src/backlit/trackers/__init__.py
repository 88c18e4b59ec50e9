"""Callbacks that tell a tracker of experiments what a training does: TensorBoard, MLflow, Weights & Biases."""

from backlit.trackers.mlflow import MLflow
from backlit.trackers.named import named
from backlit.trackers.tensorboard import TensorBoard
from backlit.trackers.tracker import Tracker
from backlit.trackers.wandb import WandB

__all__ = ["MLflow", "TensorBoard", "Tracker", "WandB", "named"]
