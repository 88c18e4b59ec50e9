"""Estimators that behave as scikit-learn's own, and the doctor for scikit-learn's networks."""

from backlit.sklearn.classifier import NeuralClassifier
from backlit.sklearn.regressor import NeuralRegressor
from backlit.sklearn.watched import watch

__all__ = ["NeuralClassifier", "NeuralRegressor", "watch"]
