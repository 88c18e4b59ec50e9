"""Layers, losses, initialisers and metrics."""
