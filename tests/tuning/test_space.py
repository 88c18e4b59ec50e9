"""Spaces: what may be tried, as it is typed and as Python has it."""

import numpy as np
import pytest

from backlit.errors import InputError, UnknownNameError
from backlit.tuning.sampling import count_of, draw
from backlit.tuning.space import Choice, Interval, fitting, settings, space_of, typed, with_settings
from backlit.tuning.usual import usual_space

KNOWN = settings()


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("lr=1e-4..1e-1", Interval(1e-4, 1e-1, log=True)),
        ("learning-rate=0.01..0.05", Interval(0.01, 0.05)),
        ("lr=linear:1e-4..1e-1", Interval(1e-4, 1e-1)),
        ("lr=log:0.01..0.05", Interval(0.01, 0.05, log=True)),
        ("lr=.1,1e-2", Choice((0.1, 0.01))),
        ("batch_size=16..256", Interval(16, 256, log=True, whole=True)),
        ("batch_size=full,16", Choice(("full", 16))),
        ("network=mlp:64,mlp:64,64", Choice(("mlp:64", "mlp:64,64"))),
        ("network=linear,transformer:2x64,heads=4,mlp:8", Choice(("linear", "transformer:2x64,heads=4", "mlp:8"))),
        ("network=wired:8,a-b|mlp:8", Choice(("wired:8,a-b", "mlp:8"))),
        ("optimizer=adamw,momentum:0.9", Choice(("adamw", "momentum:0.9"))),
        ("nesterov=true,false", Choice((True, False))),
        ("seed=0..4", Interval(0, 4, whole=True)),
    ],
)
def test_words(words, made):
    assert list(space_of(typed([words]), KNOWN).values()) == [made]


def test_python():
    space = space_of({"lr": (1e-4, 1e-1), "batch_size": [16, 32], "seed": range(3), "dropout": "0..0.5"}, KNOWN)
    assert space == {
        "learning_rate": Interval(1e-4, 1e-1, log=True),
        "batch_size": Choice((16, 32)),
        "seed": Choice((0, 1, 2)),
        "dropout": Interval(0.0, 0.5),
    }
    assert str(space["learning_rate"]) == "0.0001..0.1 (log)"
    assert str(space["batch_size"]) == "16 | 32"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lrr": "1..2"}, "unknown setting to try 'lrr'; did you mean 'lr'"),
        ({"lr": "1..1"}, "try lr=1..1: the range is empty; give two different ends, or the one value"),
        ({"lr": "1..0.1"}, "try lr=1..0.1: the range is inverted; expected the lower end first, 0.1..1"),
        ({"lr": (0.1, 0.01)}, "the range is inverted"),
        ({"lr": "log:0..1"}, r"must be a number in \(0, ∞\), got 0.0"),
        ({"dropout": "log:0..0.5"}, "by the logarithm needs ends above 0; use linear:0..0.5"),
        ({"dropout": "0..1"}, r"try dropout=0..1: dropout must be a number in \[0, 1\), got 1.0"),
        ({"lr": "fast"}, "try lr=fast: 'fast' is no number"),
        ({"lr": []}, "the list is empty; name at least one value"),
        ({"lr": [0.1, 0.1]}, "0.1 is in the list twice"),
        ({"lr": 0.1}, "expected a range of two numbers"),
        ({"network": "1..2"}, "network is told in words; give a list of them"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'; did you mean 'adam"),
        ({"epochs": "3..9"}, "try epochs: the search deals out epochs itself; --epochs says"),
        ({"loss": "huber"}, "try loss: candidates are ranked by it"),
        ({"ensemble": "1..5"}, "try ensemble: all candidates have the same members"),
        ({"lr": "1..2", "learning_rate": "1..3"}, "learning_rate is given twice"),
        ([1], r"space must be a dict of setting to range or list, .* got \[1\]"),
    ],
)
def test_what_is_wrong_is_named(given, says):
    with pytest.raises(InputError, match=says):
        space_of(given, KNOWN)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lr"], "--try lr: expected NAME=VALUES, a range such as lr=1e-4..1e-1 or a list"),
        (["lr="], "expected NAME=VALUES"),
        (["lr=1..2", "lr=3"], "--try lr is given twice: put all its values into one list"),
    ],
)
def test_what_is_typed_wrongly(words, says):
    with pytest.raises(InputError, match=says):
        typed(words)


def test_settings_of_an_optimizer_that_is_not_tried():
    with pytest.raises(InputError, match="try momentum: adamw has no such setting"):
        fitting({"momentum": Choice((0.9,))}, {"optimizer": "adamw:weight_decay=0.1"})
    fitting({"momentum": Choice((0.9,)), "optimizer": Choice(("adamw", "momentum"))}, {"optimizer": "adamw"})
    with pytest.raises(InputError, match="try momentum: an optimizer that is an object has no such setting"):
        fitting({"momentum": Choice((0.9,))}, {"optimizer": object()})
    assert with_settings("momentum:0.9", {"momentum": 0.5, "beta1": 0.9}) == "momentum:momentum=0.5"
    assert with_settings("adam", {"amsgrad": True}) == "adam:amsgrad=true"
    with pytest.raises(UnknownNameError, match="unknown optimizer 'adamm'"):
        with_settings("adamm", {})


def test_a_range_is_covered_evenly():
    space = {"learning_rate": Interval(1e-4, 1e-1, log=True), "dropout": Interval(0.0, 0.5)}
    drawn = draw(space, 30, seed=1)
    decades = np.floor(np.log10([c["learning_rate"] for c in drawn]) + 1e-9)
    assert np.abs(np.bincount((decades + 4).astype(int), minlength=3)[:3] - 10).max() <= 1
    counts = np.histogram([c["dropout"] for c in drawn], bins=5, range=(0, 0.5))[0]
    assert np.abs(counts - 6).max() <= 1  # numbers are rounded, some over an edge
    assert drawn == draw(space, 30, seed=1)
    assert drawn != draw(space, 30, seed=2)
    assert all(float(f"{c['learning_rate']:.3g}") == c["learning_rate"] for c in drawn)  # can be typed again


def test_all_networks_are_tried_if_they_are_few():
    space = {"learning_rate": Interval(1e-3, 1e-1, log=True), "network": Choice(("linear", "mlp:4", "mlp:8"))}
    drawn = draw(space, 12)
    assert sorted(c["network"] for c in drawn) == sorted(["linear", "mlp:4", "mlp:8"] * 4)


def test_of_many_forms_some_are_drawn():
    space = {"learning_rate": Interval(1e-3, 1e-1, log=True), "batch_size": Interval(8, 900, log=True, whole=True)}
    drawn = draw(space, 64)
    assert len({c["batch_size"] for c in drawn}) == 8
    assert len({c["learning_rate"] for c in drawn}) > 60


def test_forms_are_few_where_trials_are():
    space = usual_space({"learning_rate": 0.01, "network": "mlp:8", "dropout": 0.1, "pieces": 32})
    forms = [len({(c["network"], c["pieces"]) for c in draw(space, trials)}) for trials in (27, 64)]
    assert forms == [4, 15]  # five networks, three encodings: all of them only for enough candidates


def test_lists_are_drawn_from_without_putting_back():
    space = {"network": Choice(("linear", "mlp:4")), "batch_size": Choice((8, 16, 32))}
    assert count_of(space) == 6
    drawn = draw(space, 6, first={"network": "mlp:4", "batch_size": 16})
    assert drawn[0] == {"network": "mlp:4", "batch_size": 16}
    assert len({tuple(c.values()) for c in drawn}) == 6
    says = "trials=7: there are only 6 different candidates; try more values, or at most 6 trials"
    with pytest.raises(InputError, match=says):
        draw(space, 7)


def test_what_is_planned_is_in_the_usual_space():
    planned = {"learning_rate": 0.004, "network": "mlp:128,64", "dropout": 0.3, "batch_size": 32, "pieces": 32,
               "optimizer": "adamw:weight_decay=0.1", "weight_decay": 0.1}  # fmt: skip
    space = usual_space(planned)
    assert set(space) == set(planned) - {"optimizer", "batch_size"}
    assert all(planned[name] in dimension for name, dimension in space.items())
    slow = usual_space(
        {"learning_rate": 0.001, "network": "cnn:8", "dropout": 0.1, "batch_size": 64, "optimizer": "adam"}
    )
    assert set(slow) == {"learning_rate", "dropout"}
