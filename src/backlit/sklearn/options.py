"""What an estimator's constructor takes: options that are declared by `fit` and by plans, none of them anew."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, TypeVar

from backlit.errors import unknown
from backlit.settings import Declaration, declared
from backlit.tasks.options import Options
from backlit.train.training import Training

E = TypeVar("E", bound=type)

# Of a network that is named, and of its training; a plan of a task leaves them open, an estimator has these.
PLANNED = MappingProxyType(
    {"network": "mlp:100", "activation": "relu", "dropout": 0.0, "learning_rate": None, "l1": 0.0, "l2": 0.0}
)
# Of `fit`, and not of an estimator: what scikit-learn hands to `fit`, calls by another name, or does by itself.
ELSEWHERE = frozenset(
    {"sample_weight", "seed", "preparation", "encoding", "config"}
    | {"checkpoint", "checkpoint_every", "resume", "overwrite"}
)
CHANGED = MappingProxyType({"epochs": 100, "dtype": None, "progress": False})
NETWORK = (
    'What a text names, "mlp:64,32", "residual:64,64", "conv:16,3 relu flatten", gets its last layer by the targets; '
    "(64, 32), or 64, are hidden layers of an mlp. A layer, or a network whose parameters are the start, ends as it is."
)
DTYPE = "Of parameters, inputs and arithmetic. None: that of X if it is one of them, else float64, as in scikit-learn."
DOCS = MappingProxyType(
    {
        "network": ("str, int, tuple of int, Layer or Network", NETWORK),
        "activation": ("str", "Between the layers of a network that is named."),
        "dropout": ("float", "Share of units dropped after each hidden layer of a network that is named."),
        "learning_rate": ("float, optional", "By default the optimizer's own."),
        "dtype": ('"float32", "float64" or None', DTYPE),
        "warm_start": ("bool", "Whether `fit` begins with the parameters that the last one ended with."),
        "random_state": ("int, RandomState or None", "Origin of all randomness; with None each fit has another."),
    }
)
OWN = (
    Declaration("random_state", "int | np.random.RandomState | None", 0),
    Declaration("warm_start", "bool", default=False),
)


def declarations(without: Iterable[str] = (), **defaults: Any) -> dict[str, Declaration]:
    """The options of an estimator by name, with its own defaults.

    >>> declarations(epochs=5)["epochs"].default
    5
    """
    of_fit = {name: option for name, option in declared(Training).items() if name not in ELSEWHERE}
    taken = {name: declared(Options)[name] for name in PLANNED} | of_fit | {option.name: option for option in OWN}
    values = {**PLANNED, **CHANGED, **defaults}
    made = {}
    for name, option in taken.items():
        if name not in without:
            kind, doc = DOCS.get(name, (option.kind, option.doc))
            made[name] = dataclasses.replace(option, default=values.get(name, option.default), kind=kind, doc=doc)
    return made


def with_options(without: Iterable[str] = (), **defaults: Any) -> Callable[[E], E]:
    """Give an estimator its constructor, which stores the options as they are, and its section "Parameters".

    Parameters
    ----------
    without : iterable of str
        Options that make no sense for it.
    **defaults :
        Where they differ from those of the declarations.
    """
    options = declarations(without, **defaults)
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type)
        for name, option in options.items()
    ]
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    network, *rest = keywords
    shown = inspect.Signature([self, network.replace(kind=self.kind), *rest])

    def initialise(self: Any, network: Any = PLANNED["network"], **given: Any) -> None:
        for name in given:
            if name not in options:
                raise unknown(f"option of {type(self).__name__}", name, options)
        for name, option in options.items():
            setattr(self, name, network if name == "network" else given.get(name, option.default))

    def decorate(estimator: E) -> E:
        made: Any = estimator
        initialise.__signature__ = shown  # type: ignore[attr-defined]
        initialise.__qualname__, initialise.__name__ = f"{made.__qualname__}.__init__", "__init__"
        initialise.__module__ = made.__module__
        made.__init__ = initialise
        made.__doc__ = (made.__doc__ or "").replace("OPTIONS\n", textwrap.indent(_section(options), "    ").lstrip())
        return estimator

    return decorate


def _section(options: dict[str, Declaration]) -> str:
    """The options as a numpydoc section has them."""
    return "".join(
        f"{option.name} : {option.kind}, default {option.default!r}\n"
        f"{textwrap.indent(textwrap.fill(option.doc, 112), '    ')}\n"
        for option in options.values()
    )
