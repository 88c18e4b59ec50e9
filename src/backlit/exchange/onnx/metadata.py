"""What a file says about itself in `metadata_props`, by keys: whoever reads it may rely on them.

All but the version and the kind are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

VERSION = "backlit.version"
KIND = "backlit.kind"  # NETWORK or RUN
ARCHITECTURE = "backlit.architecture"  # `Layer.to_dict`
INPUT_SHAPE = "backlit.input_shape"  # of one example
CLASSES = "backlit.classes"  # in the order of the probabilities
COLUMNS = "backlit.columns"  # one object an input: "name", "kind", "takes", "levels"
TARGETS = "backlit.targets"  # names of what is predicted
UNIT = "backlit.unit"  # "shift" and "scale" that numbers were brought back from
OUTSIDE = "backlit.outside"  # sentences: what must be done before the file's inputs
NETWORK, RUN = "network", "run"


def write(model: Any, facts: Mapping[str, Any]) -> None:
    """Put facts into a model; those that are None are left out."""
    for key, value in facts.items():
        if value is None:
            continue
        entry = model.metadata_props.add()
        entry.key = key
        entry.value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read(model: Any) -> dict[str, Any]:
    """The facts that `write` put into a model; other libraries' keys, and what isn't JSON, are passed over."""
    facts: dict[str, Any] = {}
    for entry in model.metadata_props:
        if entry.key in (VERSION, KIND):
            facts[entry.key] = entry.value
        elif entry.key.startswith("backlit."):
            try:
                facts[entry.key] = json.loads(entry.value)
            except ValueError:
                continue
    return facts
