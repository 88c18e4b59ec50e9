"""Names belong to whoever took them first: layers, losses, metrics, optimizers, schedules, initializers."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit import optim
from backlit.errors import InputError
from backlit.nn import initializers, losses, metrics
from backlit.nn.layer import Layer
from backlit.nn.losses.base import Loss
from backlit.nn.metrics.base import Metric
from backlit.settings import Hyperparameters
from tests.owned import is_own

FAMILIES: list[tuple[str, type, str, dict[str, Any]]] = [
    ("layer", Layer, "Linear", Layer.kinds),
    ("loss", Loss, "Huber", Loss.kinds),
    ("transform", optim.Transform, "Adam", optim.Transform.kinds),
    ("schedule", optim.Schedule, "Cosine", optim.Schedule.kinds),
]
each_family = pytest.mark.parametrize(("what", "base", "taken", "known"), FAMILIES, ids=[f[0] for f in FAMILIES])


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """The names that these tests take are free again after each."""
    registries = [*(known for *_, known in FAMILIES), Metric.named]
    before = [dict(known) for known in registries]
    yield
    for known, saved in zip(registries, before, strict=True):
        known.clear()
        known.update(saved)


def define(name: str, base: type, module: str, /, **namespace: Any) -> type:
    """As `class NAME(base)` in a module would."""
    kind: type = type(base)(name, (base,), {"__module__": module, "__qualname__": name, **namespace})
    return dataclasses.dataclass(frozen=True)(kind)


@each_family
def test_backlits_own_are_not_replaced(what: str, base: type, taken: str, known: dict[str, Any]) -> None:
    before = known[taken]
    with pytest.raises(InputError, match=f"{what} '{taken}' is one of Backlit's own, in backlit.*choose another name"):
        define(taken, base, "__main__")
    assert known[taken] is before


@each_family
def test_two_of_a_users(what: str, base: type, taken: str, known: dict[str, Any]) -> None:
    name = f"Mine{what.title()}"
    first = define(name, base, "project.first")
    with pytest.raises(InputError, match=rf"{what} '{name}' is defined already, in project.first \({name}\); choose"):
        define(name, base, "project.second")
    assert known[name] is first


@each_family
def test_a_cell_that_is_run_again(what: str, base: type, taken: str, known: dict[str, Any]) -> None:
    name = f"Again{what.title()}"
    define(name, base, "__main__")
    second = define(name, base, "__main__")
    assert known[name] is second


def test_metrics() -> None:
    with pytest.raises(InputError, match="metric 'accuracy' is one of Backlit's own"):
        define("Mine", Metric, "__main__", name="accuracy")
    first = define("Brier", Metric, "project.first", name="brier")
    with pytest.raises(InputError, match=r"metric 'brier' is defined already, in project.first \(Brier\)"):
        define("Other", Metric, "project.second", name="brier")
    assert type(metrics.get("brier")) is first
    again = define("Brier", Metric, "project.first", name="brier")
    assert metrics.METRICS["brier"] is again


@dataclass(frozen=True)
class RightTwice(Metric):
    """A metric without a name."""

    def measure(self, rows: Any) -> float:
        return 0.5


def test_a_metric_without_a_name() -> None:
    message = "metric RightTwice has no name for the history to call it by; give its class one: name = 'right_twice'"
    with pytest.raises(InputError, match=message):
        RightTwice()([1.0, -1.0], [1, 0])
    with pytest.raises(InputError, match=message):
        bl.fit(bl.Linear(2), np.eye(2), np.arange(2), metrics=[RightTwice()], epochs=1)


def test_metrics_are_known_whatever_is_imported_first() -> None:
    code = "from backlit.nn.metrics.base import Metric; print(len(Metric.named))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) == len([kind for kind in Metric.named.values() if is_own(kind)])


def test_initializers() -> None:
    def start(key: Any, shape: Any) -> Any:
        return np.zeros(shape)

    def other(key: Any, shape: Any) -> Any:
        return np.ones(shape)

    initializers.register("registered_once", start)
    initializers.register("registered_once", start)
    with pytest.raises(InputError, match=r"initializer 'registered_once' is defined already, in .*start.*; choose"):
        initializers.register("registered_once", other)
    with pytest.raises(InputError, match="initializer 'xavier' is one of Backlit's own"):
        initializers.register("xavier", other)


def test_what_loads_a_network_knows_every_layer() -> None:
    code = """
import importlib, pkgutil
from backlit.nn.layer import Layer
known = set(Layer.kinds)
from backlit.nn import layers
for module in pkgutil.iter_modules(layers.__path__):
    importlib.import_module(f"{layers.__name__}.{module.name}")
print(*set(Layer.kinds) - known)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_families_that_settings_know() -> None:
    assert set(Hyperparameters.families) == {"transform", "schedule"}
    assert losses.built_in(bl.losses.get("mse"))
