"""What there is to choose from in the studio, with titles, bounds and defaults."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from backlit.languages import Template
from backlit.nn import initializers, losses
from backlit.nn.layers import activations
from backlit.studio import exercises, faults, recurrent
from backlit.studio.assignment import PARTS, QUANTITIES
from backlit.studio.protocol import MOST_FILE
from backlit.studio.sets import BUNDLED, GENERATED, GROUPS, PICTURES, POINTS, rows_of, titles
from backlit.studio.state import (
    LAYERS,
    MOST_LAYERS,
    MOST_POINTS,
    MOST_ROWS,
    MOST_STEPS,
    MOST_TYPED,
    MOST_UNITS,
    MOST_UPDATES,
    MOST_WEIGHTS,
    OPTIMIZERS,
    PENALTIES,
    DataState,
    State,
)
from backlit.studio.texts import TITLES
from backlit.studio.words import both

SAMPLE = 60  # points of each set's little picture
FAMILIAR = ("tanh", "relu", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus", "selu", "identity", "step")
LIMITS = {
    "rows": MOST_ROWS,
    "points": MOST_POINTS,
    "typed": MOST_TYPED,
    "bytes": MOST_FILE,
    "layers": MOST_LAYERS,
    "units": MOST_UNITS,
    "weights": MOST_WEIGHTS,
    "updates": MOST_UPDATES,
}
WORDS = {
    "": Template("layer by layer", "층별로"),
    "linear": Template("no hidden layer", "은닉층 없음"),
    "mlp:8,8": Template("two hidden layers", "은닉층 두 개"),
    "residual:16,16": Template("with residual connections", "잔차 연결"),
    "wired:8,a-b,a-c,b-c": Template("wired as a graph", "그래프 연결"),
}
OF_PICTURES = {
    "conv:8,3 relu pool:2 conv:16,3 relu pool:2 flatten linear:32 relu": Template("two convolutions", "합성곱 두 개"),
    "cnn:8,16": Template("convolutions with batch norm", "배치 정규화를 둔 합성곱"),
}
EXAMPLES = {
    "W1": (Template("f = (x + y) · z", "f = (x + y) · z"), None),
    "W2": (
        Template("the 2-2-2 network by hand", "손으로 계산하는 2-2-2 신경망"),
        {
            "data": {"name": "W2"},
            "network": {
                "layers": [{"units": 2, "activation": "sigmoid"}],
                "output": "sigmoid",
                "bias": False,
                "weights": {"0/weight": [[0.3, 0.25], [0.4, 0.35]], "2/weight": [[0.45, 0.4], [0.7, 0.6]]},
            },
            "training": {
                "optimizer": "sgd",
                "rate": 0.5,
                "batch": 0,
                "held": 0.0,
                "loss": "mean_squared_error",
                "dtype": "float64",
            },
        },
    ),
}


@cache
def catalog() -> dict[str, Any]:
    """All of it, as plain data."""
    return {
        "data": [_set(name, title) for name, title in titles().items() if name != "W2"]
        + [{"name": "points", "title": both(POINTS), "task": "classification"}]
        + [
            {"name": name, "title": both(title), "task": "text", "steps": [1, MOST_STEPS]}
            for name, title in TITLES.items()
        ],
        "activations": [name for name in FAMILIAR if name in activations.names()],
        "initializers": ["", *_initializers()],
        "optimizers": list(OPTIMIZERS),
        "losses": ["", *losses.names()],
        "penalties": list(PENALTIES),
        "words": [{"name": word, "title": both(title)} for word, title in WORDS.items()]
        + [{"name": word, "title": both(title), "pictures": True} for word, title in OF_PICTURES.items()],
        "text_words": [
            {"name": word, "title": both(title)} for word, title in [("", WORDS[""]), *recurrent.WORDS.items()]
        ],
        "kinds": list(LAYERS),
        "examples": [{"name": name, "title": both(title), "state": state} for name, (title, state) in EXAMPLES.items()],
        "faults": [{"key": key, "title": both(fault.title)} for key, fault in faults.FAULTS.items()],
        "exercises": exercises.listed(),
        "quantities": [
            {"name": name, "title": both(each.title), "share": "%" in each.form} for name, each in QUANTITIES.items()
        ],
        "parts": [{"name": name, "title": both(part.title)} for name, part in PARTS.items()],
        "state": State().to_dict(),
    }


def _initializers() -> list[str]:
    return [name for name in initializers.names() if name not in ("constant", "ones")]


def _set(name: str, title: Template) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "title": both(title)}
    rows = rows_of(DataState(name=name, rows=240), {}) if name in GENERATED else None
    if rows is None:
        return {
            **told,
            "task": "regression" if name == "diabetes" else "classification",
            "bundled": name in BUNDLED,
            "pictures": name in PICTURES,
        }
    places = rows.plane.places(rows.x)[:SAMPLE]
    scaled = places / np.abs(places).max()
    sample = [
        [round(float(a), 3), round(float(b), 3), int(y)] for (a, b), y in zip(scaled, rows.y[:SAMPLE], strict=True)
    ]
    noise = {"moons": 0.15, "circles": 0.08, "xor": 0.2, "spiral": 0.1, "gaussians": 0.6}[name]
    grouped = {"groups": [2, 8, 1]} if name in GROUPS else {}
    return {
        **told, "task": rows.task, "rows": [20, 2000, 20], "noise": [0.0, 1.0, 0.01], "defaults": {"noise": noise},
        "sample": sample, **grouped,
    }  # fmt: skip
