"""Estimators that behave as scikit-learn's own."""

from backlit.sklearn.classifier import NeuralClassifier
from backlit.sklearn.regressor import NeuralRegressor

__all__ = ["NeuralClassifier", "NeuralRegressor"]
