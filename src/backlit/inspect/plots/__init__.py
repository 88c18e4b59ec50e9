"""Pictures as matplotlib figures: returned, never shown by surprise.

All can be read in greyscale and by colour-blind people. Hangul is drawn with a Korean font if one is installed, and
written in Latin letters if not.
"""

from backlit.inspect.plots.boundary import decision_boundary
from backlit.inspect.plots.curves import learning_curves, range_test
from backlit.inspect.plots.functions import activations
from backlit.inspect.plots.maps import augmented, feature_maps
from backlit.inspect.plots.matrices import attention, confusion
from backlit.inspect.plots.scores import importance, reliability
from backlit.inspect.plots.starts import starts
from backlit.inspect.plots.style import figure, label
from backlit.inspect.plots.surface import loss_surface
from backlit.inspect.plots.weights import filters, weights_as_images

__all__ = [
    "activations",
    "attention",
    "augmented",
    "confusion",
    "decision_boundary",
    "feature_maps",
    "figure",
    "filters",
    "importance",
    "label",
    "learning_curves",
    "loss_surface",
    "range_test",
    "reliability",
    "starts",
    "weights_as_images",
]
