"""Loss surfaces are the loss, on the plane that they say."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.inspect.plots import surface
from tests.train.common import blobs, mlp


def drawn(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    """The figure, and what was computed for it."""
    seen: dict[str, Any] = {}
    compute = surface._losses

    def spy(*inner: Any) -> np.ndarray:
        seen["values"] = compute(*inner)
        seen["plane"], seen["across"], seen["down"] = inner[1:4]
        return seen["values"]

    monkeypatch.setattr(surface, "_losses", spy)
    return bl.plots.loss_surface(*args, **options), seen


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_values_are_the_loss_of_moved_parameters(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs(40)
    run = bl.fit(mlp(), x, y, epochs=5, dtype="float64")
    _, seen = drawn(monkeypatch, run, x, y, resolution=5, engine=engine, span=0.5)
    first, second = seen["plane"].directions
    for i, b in enumerate(np.linspace(-0.5, 0.5, 5)):
        for j, a in enumerate(np.linspace(-0.5, 0.5, 5)):
            params = tree.map(lambda p, d, e: p + a * d + b * e, run.network.params, first, second)  # noqa: B023
            logits = np.asarray(run.network.replace(params=params)(x.astype(float)))
            shifted = logits - logits.max(axis=1, keepdims=True)
            expected = np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(40), y])
            np.testing.assert_allclose(seen["values"][i, j], expected, rtol=1e-10)
    assert seen["values"][2, 2] == pytest.approx(run.evaluate(x, y)["loss"])


def test_random_directions_have_each_filters_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    network = bl.Sequential(bl.Conv2d(4, 3), bl.BatchNorm(), bl.Flatten(), bl.Linear(3)).build((5, 5, 2))
    x = np.random.default_rng(0).normal(size=(6, 5, 5, 2))
    _, seen = drawn(monkeypatch, network, x, [0, 1, 2, 0, 1, 2], resolution=3)
    for direction in seen["plane"].directions:
        for (path, own), (_, part) in zip(tree.items(network.params), tree.items(direction), strict=True):
            if np.ndim(own) < 2:
                assert not part.any(), path  # biases and normalisation stay
            else:
                norms = [np.linalg.norm(leaf.reshape(len(leaf), -1), axis=1) for leaf in (part, own)]
                np.testing.assert_allclose(*norms, rtol=1e-6)
    first, second = (np.ravel(d["3"]["weight"]) for d in seen["plane"].directions)
    assert abs(first @ second) < 0.5 * (first @ first)


def test_the_paths_plane_holds_a_path_in_a_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters that move in two directions only are drawn with their true distances, and their true losses."""
    rng = np.random.default_rng(1)
    network = bl.Linear(1).build((6,), dtype="float64")
    axes, _ = np.linalg.qr(rng.normal(size=(6, 2)))
    ways = np.array([[4.0, 0.0], [3.0, 1.0], [1.0, 2.0], [0.5, 0.2], [0.0, 0.0]])
    path = [
        network.replace(
            params={"weight": network.params["weight"] + (axes @ way)[None], "bias": network.params["bias"]}
        )
        for way in ways
    ]
    x = rng.normal(size=(30, 6))
    figure, seen = drawn(monkeypatch, network, x, x[:, 0], path=path, resolution=41)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "path taken")
    shown = np.array(line.get_data()).T
    distance = lambda points: np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(distance(shown), distance(ways), atol=1e-10)
    np.testing.assert_allclose(shown[-1], 0, atol=1e-12)
    i, j = (np.abs(seen[name] - shown[1][k]).argmin() for k, name in ((1, "down"), (0, "across")))
    first, second = seen["plane"].directions
    place = tree.map(lambda p, d, e: p + seen["across"][j] * d + seen["down"][i] * e, network.params, first, second)
    expected = np.mean((np.asarray(network.replace(params=place)(x))[:, 0] - x[:, 0]) ** 2)
    assert seen["values"][i, j] == pytest.approx(expected)
    shares = [
        float(axis.split("(")[1].split("%")[0]) for axis in (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel())
    ]
    assert sum(shares) == pytest.approx(100, abs=1)


def test_a_path_from_training_ends_at_the_network() -> None:
    x, y = blobs(40)
    path: list[Any] = []
    run = bl.fit(mlp(), x, y, epochs=6, callbacks=lambda end: path.append(end.network))
    figure = bl.plots.loss_surface(run, x, y, path=path, resolution=7)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["path taken", "start", "the network"]
    assert figure.axes[0].get_title() == "CrossEntropy around the network"


def test_many_rows_are_sampled_and_losses_named() -> None:
    x, y = blobs(2500)
    figure = bl.plots.loss_surface(mlp().build((4,)), x, y, "hinge", resolution=3)
    assert figure.axes[0].get_title() == "Hinge around the network"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"resolution": 2}, InputError, "resolution must be a whole number from 3 to 200, got 2"),
        ({"span": 0}, InputError, "span must be a number above 0, got 0"),
        ({"model": mlp()}, InputError, "draws runs and networks, got Sequential; build a layer first"),
        ({"loss": "hing"}, InputError, "did you mean 'hinge'"),
        ({"y": [0, 1]}, ShapeError, "x has 40 rows and y 2"),
        ({"path": []}, InputError, "at least three points to span a plane, got 0"),
        ({"path": [mlp().build((3,))] * 3}, ShapeError, "point 0 of the path has other parameters"),
        ({"path": [mlp().build((4,), seed=k % 2) for k in range(4)]}, InputError, "the path lies on a line"),
    ],
)
def test_refuses(options: dict[str, Any], error: type[Exception], text: str) -> None:
    x, y = blobs(40)
    given = {"model": mlp().build((4,)), "x": x, "y": y} | options
    with pytest.raises(error, match=text):
        bl.plots.loss_surface(**given)
    run = bl.fit(mlp(), x, y, epochs=1)
    with pytest.raises(InputError, match="a run has its own loss"):
        bl.plots.loss_surface(run, x, y, "hinge")
