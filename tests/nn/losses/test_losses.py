"""Losses against PyTorch (value and gradient), in both engines, at extremes, and their refusals."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's users call it

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn import losses
from backlit.nn.losses.base import FunctionLoss

WEIGHTS = (0.5, 2.0, 1.0, 3.0)
LABELS = np.array([0, 3, 1, 1, 2, 0])


def numbers(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(6, 4))


def labels(rng: np.random.Generator) -> np.ndarray:
    return LABELS


def yes_or_no(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2, (6, 4)).astype(float)


def shares(rng: np.random.Generator) -> np.ndarray:
    return rng.dirichlet(np.ones(4), size=6)


def one_hot(t: Any) -> Any:
    return F.one_hot(t, 4)


Case = tuple[bl.Loss, Callable[..., Any], Callable[..., Any]]
CASES: list[Case] = [
    (bl.SquaredError(), numbers, lambda x, t: ((x - t) ** 2).sum(1)),
    (bl.SquaredError(half=True), numbers, lambda x, t: ((x - t) ** 2).sum(1) / 2),
    (bl.MeanSquaredError(), numbers, lambda x, t: F.mse_loss(x, t, reduction="none").mean(1)),
    (bl.MeanAbsoluteError(), numbers, lambda x, t: F.l1_loss(x, t, reduction="none").mean(1)),
    (bl.Huber(), numbers, lambda x, t: F.huber_loss(x, t, reduction="none").mean(1)),
    (bl.Huber(delta=0.4), numbers, lambda x, t: F.huber_loss(x, t, reduction="none", delta=0.4).mean(1)),
    (bl.NegativeLogLikelihood(log=True), labels, lambda x, t: F.nll_loss(x, t, reduction="none")),
    (bl.CrossEntropy(), labels, lambda x, t: F.cross_entropy(x, t, reduction="none")),
    (
        bl.CrossEntropy(label_smoothing=0.2),
        labels,
        lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.2),
    ),
    (
        bl.CrossEntropy(class_weights=WEIGHTS),
        labels,
        lambda x, t: F.cross_entropy(x, t, reduction="none", weight=torch.tensor(WEIGHTS, dtype=x.dtype)),
    ),
    (
        bl.CrossEntropy(label_smoothing=0.1, class_weights=WEIGHTS),
        labels,
        lambda x, t: F.cross_entropy(
            x, t, reduction="none", weight=torch.tensor(WEIGHTS, dtype=x.dtype), label_smoothing=0.1
        ),
    ),
    (bl.SoftCrossEntropy(), shares, lambda x, t: F.cross_entropy(x, t, reduction="none")),
    (
        bl.BinaryCrossEntropy(),
        yes_or_no,
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none").mean(1),
    ),
    (
        bl.BinaryCrossEntropy(multi_label=True),
        yes_or_no,
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none").mean(1),
    ),
    (bl.Hinge(), labels, lambda x, t: 4 * F.multi_margin_loss(x, t, reduction="none")),
    (bl.Hinge(margin=0.3), labels, lambda x, t: 4 * F.multi_margin_loss(x, t, reduction="none", margin=0.3)),
]
each = pytest.mark.parametrize(
    ("loss", "make", "theirs"), CASES, ids=lambda case: str(case) if isinstance(case, bl.Loss) else ""
)


def value_and_gradient(loss: bl.Loss, x: Any, target: Any, weights: Any) -> Any:
    return bl.value_and_grad(lambda x: (loss(x, target) * weights).sum())(x)


@each
def test_equals_pytorch(loss: bl.Loss, make: Any, theirs: Any, rng: np.random.Generator) -> None:
    x, target, weights = rng.normal(size=(6, 4)), make(rng), rng.uniform(size=6)
    x_t = torch.tensor(x, requires_grad=True)
    expected = theirs(x_t, torch.tensor(target))
    (expected * torch.tensor(weights)).sum().backward()
    assert loss(x, target).shape == (6,)
    np.testing.assert_allclose(loss(x, target), expected.detach(), rtol=1e-12)
    _, gradient = value_and_gradient(loss, x, target, weights)
    np.testing.assert_allclose(gradient, x_t.grad, rtol=1e-11, atol=1e-15)


@each
def test_engines_agree(loss: bl.Loss, make: Any, theirs: Any, rng: np.random.Generator) -> None:
    x, target, weights = rng.normal(size=(6, 4)), make(rng), rng.uniform(size=6)
    at_once = value_and_gradient(loss, x, target, weights)
    compiled = bl.compile(lambda x, t, w: value_and_gradient(loss, x, t, w))(x, target, weights)
    for ours, other in zip(at_once, compiled, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-12, atol=1e-15)


@each
def test_float32_stays(loss: bl.Loss, make: Any, theirs: Any, rng: np.random.Generator) -> None:
    x, target = rng.normal(size=(6, 4)).astype("float32"), make(rng)
    target = target.astype("float32") if target.dtype.kind == "f" else target
    value, gradient = value_and_gradient(loss, x, target, np.ones(6, dtype="float32"))
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)


@each
def test_finite_at_extremes(loss: bl.Loss, make: Any, theirs: Any, rng: np.random.Generator) -> None:
    target = make(rng)
    for dtype in ("float32", "float64"):
        for size in (1e4, 1e10):
            x = (size * rng.choice([-1.0, 0.0, 1.0], (6, 4))).astype(dtype)
            value, gradient = value_and_gradient(loss, x, target, 1.0)
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


@each
def test_json_and_back(loss: bl.Loss, make: Any, theirs: Any) -> None:
    again = losses.from_dict(json.loads(json.dumps(losses.to_dict(loss))))
    assert again == loss
    assert hash(again) == hash(loss)
    assert repr(loss).startswith(type(loss).__name__ + "(")


def test_longer_outputs_are_averaged_by_example(rng: np.random.Generator) -> None:
    """(batch, time, k) with a target for each moment."""
    x, t = rng.normal(size=(3, 5, 4)), rng.integers(0, 4, (3, 5))
    expected = F.cross_entropy(torch.tensor(x).reshape(15, 4), torch.tensor(t).reshape(15), reduction="none")
    np.testing.assert_allclose(bl.CrossEntropy()(x, t), expected.reshape(3, 5).mean(1), rtol=1e-12)
    np.testing.assert_allclose(bl.SquaredError()(x, x + 1.0), np.full(3, 20.0), rtol=1e-12)
    np.testing.assert_allclose(bl.MeanSquaredError()(x, x + 2.0), np.full(3, 4.0), rtol=1e-12)


@pytest.mark.parametrize("weighted", [{}, {"label_smoothing": 0.3}, {"class_weights": WEIGHTS}], ids=str)
def test_padding_does_not_count(weighted: dict[str, Any], rng: np.random.Generator) -> None:
    """The mean over a row's steps that are there, as PyTorch's `ignore_index` leaves the others out; none cost 0."""
    x, t = rng.normal(size=(4, 5, 4)), rng.integers(0, 4, (4, 5))
    t[0, 3:], t[1, 1:], t[2] = -1, -1, -1
    theirs = {name: torch.tensor(value) if name == "class_weights" else value for name, value in weighted.items()}
    if "class_weights" in theirs:
        theirs["weight"] = theirs.pop("class_weights").double()
    steps = F.cross_entropy(
        torch.tensor(x).reshape(-1, 4), torch.tensor(t).reshape(-1), reduction="none", ignore_index=-1, **theirs
    )
    expected = steps.reshape(4, 5).sum(1).numpy() / np.array([3, 1, 1, 5])  # the third row has none, and sums to 0
    np.testing.assert_allclose(bl.CrossEntropy(**weighted)(x, t), expected, rtol=1e-12)
    if not weighted:
        logs = torch.log_softmax(torch.tensor(x), dim=-1).numpy()
        np.testing.assert_allclose(bl.NegativeLogLikelihood(log=True)(logs, t), expected, rtol=1e-12)
        np.testing.assert_allclose(bl.NegativeLogLikelihood()(np.exp(logs), t), expected, rtol=1e-10)
    gradient = bl.grad(lambda x: bl.CrossEntropy(**weighted)(x, t).sum())(x)
    assert (gradient[t == -1] == 0).all()
    assert (gradient[t != -1] != 0).all()


def test_targets_take_the_type_of_outputs_if_they_are_whole_numbers() -> None:
    output = np.ones((2, 1), "float32")
    assert bl.SquaredError()(output, np.array([[1], [3]])).dtype == np.float32
    assert bl.SquaredError()(output, np.array([[True], [False]])).tolist() == [0.0, 1.0]
    assert bl.SquaredError()(output, [[1.0], [3.0]]).tolist() == [0.0, 4.0]


def test_class_weights_may_be_zero_but_finite() -> None:
    assert bl.CrossEntropy(class_weights=[0, 2]).class_weights == (0.0, 2.0)
    assert bl.CrossEntropy(class_weights=(0.0, 2.0))(np.zeros((2, 2)), np.array([0, 1]))[0] == 0.0
    for wrong in (np.inf, np.nan, -1e-9):
        with pytest.raises(InputError, match="class_weights must be finite"):
            bl.CrossEntropy(class_weights=(1.0, wrong))


def test_edges_of_options() -> None:
    assert bl.CrossEntropy(label_smoothing=1 - 1e-9).label_smoothing < 1
    assert bl.Hinge(margin=0).margin == 0
    assert bl.Huber(delta=1e-9).delta == 1e-9
    assert (bl.Huber(), bl.Hinge(), bl.CrossEntropy()) == (bl.Huber(1.0), bl.Hinge(1.0), bl.CrossEntropy(0.0, None))
    for make in (lambda: bl.CrossEntropy(label_smoothing=-1e-9), lambda: bl.Hinge(np.inf), lambda: bl.Huber(np.inf)):
        with pytest.raises(InputError):
            make()


def test_classes_are_the_last_axis_of_a_sequence() -> None:
    """One step is enough, one class isn't."""
    assert bl.CrossEntropy()(np.zeros((2, 1, 3)), np.zeros((2, 1), dtype=int)) == pytest.approx(np.log(3))
    with pytest.raises(ShapeError, match=r"needs an output for each class.*got \(2, 3, 1\)"):
        bl.CrossEntropy()(np.zeros((2, 3, 1)), np.zeros((2, 3), dtype=int))


@pytest.mark.parametrize("loss", [bl.Hinge(margin=0.7), bl.CrossEntropy(), bl.NegativeLogLikelihood(log=True)])
def test_a_sequence_costs_the_mean_of_its_steps(loss: bl.Loss, rng: np.random.Generator) -> None:
    x, t = rng.normal(size=(3, 5, 4)), rng.integers(0, 4, (3, 5))
    steps = [loss(x[:, step], t[:, step]) for step in range(5)]
    np.testing.assert_allclose(loss(x, t), np.mean(steps, axis=0), rtol=1e-12)


@pytest.mark.parametrize("loss", [bl.CrossEntropy(), bl.NegativeLogLikelihood(), bl.Hinge(), bl.SoftCrossEntropy()])
def test_scores_without_an_axis_of_classes_are_refused(loss: bl.Loss) -> None:
    with pytest.raises(ShapeError, match=r"needs an output for each class.*got \(3,\)"):
        loss(np.zeros(3), np.zeros(3, dtype=int))
    assert loss(
        np.full((1, 2), 0.5), np.array([[0.5, 0.5]]) if isinstance(loss, bl.SoftCrossEntropy) else [0]
    ).shape == (1,)


# Negative log likelihood takes probabilities, as the network's last layer gives them


def test_negative_log_likelihood_of_probabilities_is_cross_entropy_of_scores(rng: np.random.Generator) -> None:
    x = rng.normal(size=(6, 4))
    ours = value_and_gradient(bl.CrossEntropy(), x, LABELS, 1.0)
    by_softmax = bl.value_and_grad(lambda x: bl.NegativeLogLikelihood()(bl.ops.softmax(x), LABELS).sum())(x)
    by_log = bl.value_and_grad(lambda x: bl.NegativeLogLikelihood(log=True)(bl.ops.log_softmax(x), LABELS).sum())(x)
    for other in (by_softmax, by_log):
        np.testing.assert_allclose(other[0], ours[0], rtol=1e-12)
        np.testing.assert_allclose(other[1], ours[1], rtol=1e-10, atol=1e-15)


def test_probabilities_of_a_network_that_ends_in_softmax(rng: np.random.Generator) -> None:
    net = bl.Sequential(bl.Linear(3), bl.Softmax())
    run = bl.fit(net, rng.normal(size=(9, 2)), LABELS[[0, 2, 4] * 3], loss="nll", epochs=1, progress=False)
    p = run.predict_proba(rng.normal(size=(4, 2)))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)
    with pytest.raises(InputError, match="log_loss is measured from scores, but with NegativeLogLikelihood"):
        bl.fit(net, rng.normal(size=(9, 2)), LABELS[[0, 2, 4] * 3], loss="nll", metrics=["log_loss"], progress=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_negative_log_likelihood_of_nothing_is_finite(dtype: str) -> None:
    p = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    value, gradient = value_and_gradient(bl.NegativeLogLikelihood(), p, np.array([0, 0]), 1.0)
    assert value == pytest.approx(-np.log(1e-30), rel=1e-6)
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] < -1e29  # it still pushes
    scores = np.array([[-1e4, 0.0]], dtype=dtype)
    slope = bl.grad(lambda x: bl.NegativeLogLikelihood()(bl.ops.softmax(x), np.array([0])).sum())(scores)
    assert np.isfinite(slope).all()


def test_hinge_by_hand() -> None:
    """Three cats, cars and frogs of cs231n: 2.9, 0 and 12.9."""
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss = bl.Hinge()(scores, np.array([0, 1, 2]))
    np.testing.assert_allclose(loss, [2.9, 0.0, 12.9], rtol=1e-12)
    gradient = bl.grad(lambda s: bl.Hinge()(s, np.array([0, 1, 2])).sum())(scores)
    assert gradient.tolist() == [[-1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, -2.0]]


@pytest.mark.parametrize("loss", ["hinge", "cross_entropy", "negative_log_likelihood", "squared_error", "mae"])
def test_a_network_learns_by_it(loss: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(200, 2))
    y = (x[:, 0] > x[:, 1]).astype(int)
    last = [bl.Softmax()] if loss == "negative_log_likelihood" else []
    outcomes = y if losses.get(loss).target == "class" else np.eye(2)[y]
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(2), *last)
    run = bl.fit(net, x, outcomes, loss=loss, optimizer=bl.Adam(0.02), epochs=30, metrics=[], progress=False)
    assert (run.network(x.astype("float32")).argmax(axis=1) == y).mean() > 0.95


# Names, kinds, own losses


def test_targets_and_activations() -> None:
    said = {name: (losses.get(name).target, losses.get(name).activation) for name in losses.names()}
    assert said == {
        "squared_error": ("number", None),
        "mean_squared_error": ("number", None),
        "mse": ("number", None),
        "mean_absolute_error": ("number", None),
        "mae": ("number", None),
        "huber": ("number", None),
        "negative_log_likelihood": ("class", "identity"),
        "nll": ("class", "identity"),
        "cross_entropy": ("class", "softmax"),
        "soft_cross_entropy": ("probability", "softmax"),
        "binary_cross_entropy": ("binary", "sigmoid"),
        "multi_label_cross_entropy": ("multi_label", "sigmoid"),
        "hinge": ("class", None),
    }


@pytest.mark.parametrize(
    ("task", "loss"),
    [
        ("classification", bl.CrossEntropy()),
        ("binary", bl.BinaryCrossEntropy()),
        ("multi_label", bl.BinaryCrossEntropy(multi_label=True)),
        ("probability", bl.SoftCrossEntropy()),
        ("regression", bl.MeanSquaredError()),
    ],
)
def test_defaults(task: str, loss: bl.Loss) -> None:
    assert losses.default_for(task) == loss


@dataclass(frozen=True)
class Quartic(bl.Loss):
    power: int = 4

    def __call__(self, output: Any, target: Any) -> Any:
        return ((output - target) ** self.power).sum(axis=1)


def test_a_loss_of_ones_own() -> None:
    assert losses.get(Quartic()) == Quartic()
    assert losses.from_dict(losses.to_dict(Quartic(6))) == Quartic(6)
    assert Quartic().target == "number"


def test_a_plain_function_as_a_loss(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 2))
    loss = losses.get(lambda output, target: abs(output - target).sum(axis=1))
    np.testing.assert_allclose(loss(x, 0 * x), abs(x).sum(axis=1))
    with pytest.raises(ShapeError, match=r"must return one loss an example, shape \(4,\), got \(\); don't sum rows"):
        losses.get(lambda output, target: (output - target).sum())(x, x)
    with pytest.raises(InputError, match=r"can't be saved; make it a subclass of backlit\.Loss"):
        losses.to_dict(FunctionLoss(np.subtract))


@pytest.mark.parametrize(
    "loss", [bl.SquaredError(), bl.MeanSquaredError(), bl.MeanAbsoluteError(), bl.Huber(), bl.BinaryCrossEntropy()]
)
def test_no_silent_broadcasting(loss: bl.Loss) -> None:
    with pytest.raises(
        ShapeError,
        match=r"outputs have shape \(5, 1\), targets \(5,\): they must be equal; use targets.reshape\(-1, 1\)",
    ):
        loss(np.zeros((5, 1)), np.zeros(5))
    with pytest.raises(ShapeError, match=r"use targets.reshape\(-1\)"):
        loss(np.zeros(5), np.zeros((5, 1)))
    with pytest.raises(ShapeError, match=r"outputs have shape \(5, 2\), targets \(4, 2\): they must be equal$"):
        loss(np.zeros((5, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize("loss", [bl.CrossEntropy(), bl.NegativeLogLikelihood(), bl.Hinge()])
def test_class_targets(loss: bl.Loss) -> None:
    scores = np.full((3, 2), 0.5)
    with pytest.raises(
        ShapeError, match=r"outputs of shape \(3, 2\) need targets of shape \(3,\), got \(3, 1\); use targets.reshape"
    ):
        loss(scores, np.zeros((3, 1), dtype=int))
    with pytest.raises(ShapeError, match=r"got \(3, 2\); use targets.argmax\(axis=-1\) if they are one-hot"):
        loss(scores, np.zeros((3, 2), dtype=int))
    with pytest.raises(InputError, match=r"must be whole numbers.*got dtype float64; use astype\(int\)"):
        loss(scores, np.zeros(3))
    with pytest.raises(ShapeError, match=r"needs an output for each class.*got \(3, 1\).*binary_cross_entropy"):
        loss(np.zeros((3, 1)), np.zeros(3, dtype=int))
    np.testing.assert_allclose(loss(scores, [0, 1, 1]), loss(scores, np.array([0, 1, 1])))  # lists will do


def test_labels_out_of_range() -> None:
    with pytest.raises(ShapeError, match="labels must be from 0 to 1"):
        bl.CrossEntropy()(np.zeros((2, 2)), np.array([0, 2]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: losses.get("crossentropy"),
            UnknownNameError,
            "unknown loss 'crossentropy'; did you mean 'cross_entropy'",
        ),
        (lambda: losses.get(bl.Hinge), InputError, r"a loss is an instance: Hinge\(\), got the class Hinge"),
        (lambda: losses.default_for("clustering"), UnknownNameError, "unknown task 'clustering'"),
        (lambda: losses.from_dict({"loss": "Nothing"}), UnknownNameError, "unknown loss 'Nothing'"),
        (
            lambda: losses.from_dict({"loss": "Huber", "width": 1}),
            InputError,
            "unknown part of Huber 'width'",
        ),
        (
            lambda: bl.CrossEntropy(label_smoothing=1.0),
            InputError,
            "label_smoothing must be from 0 to below 1, got 1.0",
        ),
        (lambda: bl.CrossEntropy(class_weights=(1.0, -1.0)), InputError, "class_weights must be finite and at least 0"),
        (lambda: bl.Huber(delta=0), InputError, "delta must be a finite number above 0, got 0"),
        (lambda: bl.Hinge(margin=-1), InputError, "margin must be a finite number of at least 0, got -1"),
        (
            lambda: bl.CrossEntropy(class_weights=(1.0, 2.0, 3.0))(np.zeros((2, 2)), np.array([0, 1])),
            ShapeError,
            "3 class_weights for 2 outputs",
        ),
    ],
)
def test_refusals(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
