"""On what Keras runs where nobody said so: on JAX, which Backlit brings, and not on a TensorFlow that isn't there."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path


def choose() -> None:
    """Set ``KERAS_BACKEND`` before Keras is imported, unless it, or Keras' own settings, name one that is there."""
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ or importlib.util.find_spec("tensorflow"):
        return
    if _of_settings() in (None, "tensorflow"):  # which Keras writes there by itself
        os.environ["KERAS_BACKEND"] = "jax"


def _of_settings() -> str | None:
    """The backend that ``~/.keras/keras.json`` names."""
    folder = os.environ.get("KERAS_HOME")
    try:
        settings = Path(folder or Path.home() / ".keras", "keras.json").read_text(encoding="utf-8")
        named = json.loads(settings).get("backend")
    except (OSError, ValueError, AttributeError, RuntimeError):  # no file, no JSON, no object, no home
        return None
    return named if isinstance(named, str) else None
