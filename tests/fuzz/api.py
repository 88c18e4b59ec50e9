"""The Python interface: public names called with what their signatures don't mean; what comes of it is put to work."""

import inspect
import random
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

import backlit as bl
from backlit.settings import declared
from backlit.train.training import Training
from tests.fuzz.frame import Case, fuzzer

X = np.linspace(-1, 1, 24).reshape(12, 2)
Y = X[:, 0] * 2
# Results, which Backlit makes and users read; errors and warnings; and what writes or shows lessons.
NOT_CALLED = {
    "Tensor",  # `tensor` makes it
    "Context",
    "Diagnosis",
    "Drawing",
    "EpochEnd",
    "Explanation",
    "Finding",
    "History",
    "Importance",
    "Key",
    "Layer",
    "Loss",
    "Network",
    "Penalty",
    "ProbeHistory",
    "RangeTest",
    "Repair",
    "Run",
    "Transform",
    "Update",
    "__version__",
    "lessons",
    "plots",
    "debug_nans",
    "minimize_lbfgs",
    "operation",
    "limits",
    "fit_pictures",
}
HUGE = [10**5, 2**31, 10**10, 10**30, -(10**30)]
ODD = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    3,
    0.5,
    1.5,
    -0.0,
    float("nan"),
    float("inf"),
    1e300,
    1j,
    "",
    "x",
    "relu",
    "adam",
    "\0",
    b"x",
    [],
    [1],
    (),
    (2, 3),
    [[1], [2, 3]],
    {},
    {"a": 1},
    {1, 2},
    range(3),
    object(),
    int,
    len,
    lambda: 1,
    lambda *a: a,
    np.zeros(0),
    np.zeros((0, 2)),
    np.ones(3),
    np.float32(2),
    np.int64(3),
    np.array(["a", "b"]),
    np.array([1, "a", None], dtype=object),
    np.ma.masked_array([1.0, 2.0], [True, False]),
    np.zeros((2, 2, 2)),
    np.array([1.0, np.nan]),
    np.array("2024-01-01", "M8[D]"),
    Path("nothing"),
    pl.DataFrame({"a": [1, 2]}),
    pl.Series([1]),
    "é" * 5000,
]


def network(rng: random.Random) -> object:
    """A layer that fits X, or some other."""
    return rng.choice([bl.Linear(1), bl.Sequential(bl.Linear(2), bl.ReLU(), bl.Linear(1)), bl.Sequential(bl.Linear(2))])


PLAUSIBLE = {
    "x": [X, X, X, X.astype(np.float32), X.tolist(), X[:, :1], X.astype(int), pl.DataFrame(X), X[:3]],
    "y": [
        Y,
        Y,
        Y,
        Y.tolist(),
        (Y > 0).astype(int),
        Y[:, None],
        ["a", "b"] * 6,
        Y[:3],
        np.where(Y > 1, np.nan, Y),
        np.full(12, 1e39),
    ],
    "f": [lambda x: (x * x).sum(), lambda x: x, lambda *a: 0.0, lambda x: bl.ops.exp(x).sum()],
    "loss": ["mean_squared_error", "cross_entropy", None, bl.MeanSquaredError(), bl.Huber(0.5)],
    "optimizer": ["sgd", "adam", bl.SGD(0.1), bl.Adam(bl.Cosine(0.1, 10)), bl.chain(bl.ClipValue(1.0), bl.SGD(0.1))],
    "folder": ["nothing", ".", "new"],
    "path": [None, "new.svg", "new.gif"],
    "table": [
        pl.DataFrame({"a": range(40), "b": [i % 7 / 3 for i in range(40)]}),
        {"a": [1, 2], "b": [3, 4]},
        "nothing.csv",
    ],
    "target": ["a", "b", ["a"], "c"],
    "text": ["the cat sat on the mat. " * 9, ""],
    "engine": ["numpy"],
    "weight_init": ["xavier", "he", "normal:0.1", "zeros", "uniform:-1,1", "normal:x"],
    "activation": ["relu", "tanh", None],
    "combine": ["sum", "mean", "concatenate", "average"],
    "padding": ["valid", "same", 1, (1, 1)],
    "size": [1, 2, (2, 2)],
    "kernel": [1, 2, 3, (1, 2)],
    "shape": [(2,), (1, 2), (2, 1), (-1,)],
    "epochs": [1],
}


def value(rng: random.Random, name: str, kind: str) -> object:
    """Mostly of the annotated kind."""
    if rng.random() < 0.25:
        return rng.choice([*ODD, *HUGE])
    if name in PLAUSIBLE:
        return rng.choice(PLAUSIBLE[name])
    if "Network" in kind:
        layer = network(rng)
        return rng.choice([layer, bl.Network(layer, *_started(layer))]) if rng.random() < 0.5 else layer
    if "Layer" in kind or "_Recurrent" in kind:
        return rng.choice([network(rng), bl.RNN(2), bl.Linear(2), bl.Flatten()])
    if "bool" in kind:
        return rng.random() < 0.5
    if "tuple" in kind:
        return rng.choice([(1,), (2, 2), (0.5, 0.5), (1, 2, 3), ()])
    if "int" in kind:
        return rng.choice([1, 2, 3, 5, 0, -1, *HUGE[: rng.choice([0, 0, 5])]])
    if "float" in kind or "Rate" in kind:
        return rng.choice([0.1, 0.5, 1.0, 0.0, 2.0, -1.0, 1e-300, float("nan")])
    return rng.choice(ODD)


def _started(layer: object) -> tuple:
    made = (
        bl.fit(layer, X, Y, epochs=1, engine="numpy", progress=False, loss="mean_squared_error")
        if layer == bl.Linear(1)
        else None
    )
    return (made.network.params, (2,)) if made else ({}, (2,))


def arguments(rng: random.Random, function: object) -> tuple[list, dict]:
    """For all parameters without a default, and some of the others."""
    positional, named = [], {}
    for parameter in inspect.signature(function).parameters.values():
        kind = str(parameter.annotation)
        if parameter.kind == parameter.VAR_POSITIONAL:
            positional += [value(rng, parameter.name, kind) for _ in range(rng.choice([0, 1, 2]))]
        elif parameter.kind == parameter.VAR_KEYWORD:
            continue
        elif parameter.default is parameter.empty and parameter.kind != parameter.KEYWORD_ONLY:
            positional.append(value(rng, parameter.name, kind))
        elif parameter.default is parameter.empty or rng.random() < 0.3:
            named[parameter.name] = value(rng, parameter.name, kind)
    return positional, named


@cache
def public() -> list[str]:
    """Names to call: all but results, errors and modules."""
    called = {name for name in set(bl.__all__) - NOT_CALLED if callable(getattr(bl, name))}
    return sorted(
        name
        for name in called
        if not (isinstance(getattr(bl, name), type) and issubclass(getattr(bl, name), (Exception, Warning)))
    )


KINDS = (
    TypeError,
    AttributeError,
)  # where an object is of a kind that nobody could mean, Python's own word for it will do
QUICKLY = {"engine": "numpy", "epochs": 1, "progress": False}


@fuzzer("layers, losses, optimizers and penalties from their signatures, put to work", ci=250)
def parts(case: Case) -> None:
    rng = case.rng
    name = rng.choice([name for name in public() if isinstance(getattr(bl, name), type)])
    positional, named = arguments(rng, getattr(bl, name))
    made = case.call(getattr(bl, name), *positional, also=KINDS, **named)
    if made is None:
        return
    x = rng.choice([X, X[:, None], np.ones((4, 5, 2)), np.ones((3, 6, 6, 1)), np.zeros((4, 1), int)])
    y = np.arange(len(x)) * 1.0
    if isinstance(made, bl.Layer):
        case.call(
            bl.fit, rng.choice([made, bl.Sequential(made, bl.Flatten(), bl.Linear(1))]), x, y, also=KINDS, **QUICKLY
        )
    elif isinstance(made, bl.Loss):
        case.call(
            bl.fit,
            bl.Linear(rng.choice([1, 3])),
            X,
            rng.choice([Y, (Y > 0).astype(int)]),
            loss=made,
            also=KINDS,
            **QUICKLY,
        )
    elif isinstance(made, bl.Transform):
        case.call(bl.fit, bl.Linear(1), X, Y, optimizer=made, also=KINDS, **QUICKLY)
    elif isinstance(made, bl.Penalty):
        case.call(bl.fit, bl.Linear(1), X, Y, penalty=made, also=KINDS, **QUICKLY)
    case.call(repr, made)


@fuzzer("public functions from their signatures", ci=120)
def functions(case: Case) -> None:
    rng = case.rng
    name = rng.choice(
        [name for name in public() if not isinstance(getattr(bl, name), type) and not name.startswith("fit")]
    )
    positional, named = arguments(rng, getattr(bl, name))
    if name in ("lr_find", "probe", "sharpness", "check"):
        named |= {"engine": "numpy"} if name != "check" else {}
        named = {key: word for key, word in named.items() if key != "steps"} | (
            {"steps": 3} if name in ("lr_find", "sharpness") else {}
        )
    case.call(getattr(bl, name), *positional, also=KINDS, **named)


@fuzzer("options of `fit`, as declared, at the ends of their ranges and beyond", ci=120)
def options_of_fit(case: Case) -> None:
    rng = case.rng
    options = {
        name: option
        for name, option in declared(Training).items()
        if name not in ("engine", "epochs", "progress", "devices")
    }
    given = {}
    for name in rng.sample(sorted(options), rng.choice([1, 1, 2, 3])):
        limits = options[name].range
        given[name] = value(rng, name, options[name].type)
        if limits is not None and rng.random() < 0.6:
            given[name] = rng.choice(
                list(limits.names) or [limits.low, limits.low - 1, limits.low + 1, limits.high, options[name].default]
            )
    x, y = (rng.choice(PLAUSIBLE[name] if rng.random() < 0.93 else ODD) for name in "xy")
    case.call(
        bl.fit,
        network(rng) if rng.random() < 0.9 else value(rng, "network", "Layer"),
        x,
        y,
        also=KINDS,
        **QUICKLY | given,
    )


@fuzzer("doors for tables and texts: what is given as data, and their options", ci=25, limit=40)
def doors(case: Case) -> None:
    rng = case.rng
    name = rng.choice(["fit_table", "fit_text", "fit_sequences"])
    function = getattr(bl, name)
    data = {"fit_table": ("table", "target"), "fit_text": ("text",), "fit_sequences": ("x", "y")}[name]
    positional = [
        rng.choice(PLAUSIBLE[word]) if word in PLAUSIBLE and rng.random() < 0.8 else rng.choice(ODD) for word in data
    ]
    if name == "fit_sequences":
        sequences = [np.ones((rng.choice([1, 3]), rng.choice([1, 1, 1, 2]))) for _ in range(8)]
        positional = [
            rng.choice([sequences, ["ab", "c"] * 4, rng.choice(ODD)]),
            rng.choice([list(range(8)), ["a", "b"] * 4, rng.choice(ODD)]),
            rng.choice(["class", "class", "tags", "text", "x", None]),
        ]
    quick = {"engine": "numpy", "epochs": 1, "time_limit": 1.0, "progress": False} | (
        {"ensemble": 1} if name == "fit_table" else {}
    )
    names = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind == parameter.KEYWORD_ONLY
    ]
    chosen = rng.sample(names, rng.choice([0, 1, 2]))
    odd = {
        option.name: value(rng, option.name, str(option.annotation)) for option in chosen if option.name not in quick
    }
    case.call(function, *positional, also=KINDS, **quick | odd)
