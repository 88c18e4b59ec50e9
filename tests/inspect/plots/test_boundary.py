"""Decision boundaries lie where the networks' decisions change."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError
from tests.train.common import blobs


def linear(weight: Any, bias: Any, *after: bl.Layer) -> bl.Network:
    """A network whose boundaries are known."""
    weight = np.array(weight, np.float32)
    built = bl.Sequential(bl.Linear(len(weight)), *after).build((weight.shape[1],))
    return built.replace(params={"0": {"weight": weight, "bias": np.array(bias, np.float32)}})


def line(axis: Any) -> np.ndarray:
    """The vertices of all boundaries."""
    return np.concatenate([path.vertices for part in axis.collections for path in _contours(part)])


def _contours(part: Any) -> list[Any]:
    from matplotlib.contour import QuadContourSet

    return part.get_paths() if isinstance(part, QuadContourSet) else []


POINTS = np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(
    "network",
    [
        linear([[2.0, -1.0]], [0.5]),  # a logit
        linear([[2.0, -1.0]], [0.5], bl.Sigmoid()),  # a probability
        linear([[0.0, 0.0], [2.0, -1.0]], [0.0, 0.5]),  # two logits
    ],
    ids=["logit", "probability", "two logits"],
)
def test_the_line_is_where_it_must_be(network: bl.Network) -> None:
    y = (POINTS @ [2.0, -1.0] + 0.5 > 0).astype(int)
    figure = bl.plots.decision_boundary(network, POINTS, y)
    axis = figure.axes[0]
    np.testing.assert_allclose(line(axis) @ [2.0, -1.0], -0.5, atol=1e-5)
    assert axis.get_title() == "100.0 % right"
    tint = axis.images[0].get_array()
    assert tint[0, -1].argmax() == 0  # the lower right is of the second class: reddish
    assert tint[-1, 0].argmax() == 2  # the upper left of the first: bluish


def test_rows_on_the_wrong_side_are_counted_and_edged() -> None:
    y = np.array(["b", "b", "a", "b"])
    axis = bl.plots.decision_boundary(linear([[0.0, 0.0], [1.0, 0.0]], [0, 0]), POINTS, y).axes[0]
    assert axis.get_title() == "75.0 % right"
    points = [part for part in axis.collections if len(part.get_offsets()) and len(part.get_facecolor())]
    (wrong,) = [part for part in points if not part.get_edgecolor()[0][:3].any()]  # a black edge
    assert wrong.get_offsets().tolist() == [[-1.0, -1.0]]


def test_a_run_in_the_datas_own_unit_with_its_own_classes() -> None:
    x, y = blobs(90, classes=3, features=2)
    names = np.array(["가", "나", "c"])[y]
    data = 1000 * x
    run = bl.fit(bl.Linear(3), data, names, epochs=40, preparation=bl.data.Standardize().fit(data))
    axis = bl.plots.decision_boundary(run, data, names, names=("left", "right")).axes[0]
    assert axis.get_title() == f"{100 * run.evaluate(data, names)['accuracy']:.1f} % right"
    assert axis.get_xlim()[1] > data[:, 0].max()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("left", "right")
    assert len(axis.texts) == 3  # each region's name


def test_small_multiples_share_axes_and_have_titles() -> None:
    networks = [linear([[1.0, k]], [0.0]) for k in (0.0, 1.0, 2.0)]
    figure = bl.plots.decision_boundary(networks, POINTS, [0, 1, 0, 1], titles=["a", "b", "c"], resolution=20)
    assert [axis.get_title() for axis in figure.axes[:3]] == ["a", "b", "c"]
    assert len({axis.get_xlim() for axis in figure.axes[:3]}) == 1
    for k, axis in enumerate(figure.axes[:3]):
        np.testing.assert_allclose(line(axis) @ [1.0, k], 0, atol=1e-5)


def lengths(figure: Any, count: int) -> list[float]:
    """How long the boundary of each small multiple is: the more it bends, the longer."""
    steps = [np.diff(line(axis), axis=0) for axis in figure.axes[:count]]
    return [float(np.linalg.norm(step, axis=1).sum()) for step in steps]


@pytest.mark.slow
def test_the_boundary_bends_as_hidden_units_grow_and_straightens_as_lambda_grows() -> None:
    x, y = bl.data.generated.moons(150, noise=0.3, seed=2)

    def trained(units: int, lam: float) -> bl.Run:
        network = bl.Sequential(bl.Linear(units), bl.Tanh(), bl.Linear(2))
        penalty = bl.L2(lam) if lam else None
        return bl.fit(network, x, y, epochs=300, batch_size=None, optimizer=bl.Adam(0.05), penalty=penalty)

    growing = lengths(bl.plots.decision_boundary([trained(units, 0.0) for units in (1, 3, 30)], x, y), 3)
    assert growing[0] < growing[1] < growing[2]
    shrinking = lengths(bl.plots.decision_boundary([trained(30, lam) for lam in (0.0, 0.01, 0.1)], x, y), 3)
    assert shrinking[0] > shrinking[1] > shrinking[2]


def test_more_inputs_are_projected_and_the_picture_says_so(rng: np.random.Generator) -> None:
    spread = np.array([5.0, 3.0, 0.1, 0.1, 0.1])
    x = rng.normal(size=(200, 5)) * spread + 7.0
    network = linear([[1.0, 0, 0, 0, 0]], [-7.0])
    figure = bl.plots.decision_boundary(network, x, (x[:, 0] > 7).astype(int))
    said = figure.get_suptitle().replace("\n", " ")
    assert "two principal components of 5 inputs (100 % of their variance)" in said
    _, _, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    vertices = x.mean(axis=0) + line(figure.axes[0]) @ directions[:2]
    np.testing.assert_allclose(vertices[:, 0], 7.0, atol=1e-4)
    assert figure.axes[0].get_title() == "100.0 % right"


def test_pictures_are_projected_too(rng: np.random.Generator) -> None:
    network = bl.Sequential(bl.Flatten(), bl.Linear(3)).build((4, 4, 1))
    figure = bl.plots.decision_boundary(network, rng.random((30, 4, 4, 1)), rng.integers(0, 3, 30), resolution=10)
    assert "of 16 inputs" in figure.get_suptitle().replace("\n", " ")


def test_numbers_are_contours() -> None:
    network = linear([[3.0, 1.0]], [0.0])
    figure = bl.plots.decision_boundary(network, POINTS, POINTS @ [3.0, 1.0] + 0.5)
    assert figure.axes[0].get_title() == "RMSE 0.5"
    assert figure.axes[1].get_ylabel() == "predicted"


def test_without_targets_regions_have_names() -> None:
    axis = bl.plots.decision_boundary(linear([[1.0, 0.0], [0.0, 1.0]], [0, 0]), POINTS).axes[0]
    assert sorted(text.get_text() for text in axis.texts) == ["0", "1"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"models": []}, InputError, "needs at least one run or network"),
        ({"models": bl.Linear(2)}, InputError, "draws runs and networks, got Linear; build a layer first"),
        ({"titles": ["a", "b"]}, ShapeError, "there are 2 titles for 1 models"),
        ({"resolution": 1}, InputError, "resolution must be a whole number from 2 to 2000, got 1"),
        ({"y": [0, 1]}, ShapeError, "x has 4 rows and y 2"),
        ({"y": [0, 1, 2, 3]}, InputError, r"y has the classes 0, 1, 2, 3, which don't fit the network's 2 output"),
        ({"y": ["a", "b", "c", "a"]}, InputError, "y has the classes a, b, c, which don't fit"),
        ({"y": [0.5, 1.5, 0.2, 0.1]}, InputError, "the network gives 2 numbers a row, and one picture shows one"),
        ({"models": linear([[1.0]], [0.0]), "x": POINTS[:, :1]}, ShapeError, "rows of at least two inputs"),
        (
            {"models": bl.Sequential(bl.Embedding(5, 2), bl.Flatten(), bl.Linear(2)).build((2,)), "x": [[1, 2]]},
            InputError,
            "the network takes whole numbers, between which there is nothing to draw",
        ),
    ],
)
def test_refuses(options: dict[str, Any], error: type[Exception], text: str) -> None:
    given = {"models": linear([[1.0, 0.0], [0.0, 1.0]], [0, 0]), "x": POINTS} | options
    with pytest.raises(error, match=text):
        bl.plots.decision_boundary(**given)


def test_refuses_runs_that_predict_several_things() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    run = bl.fit(bl.Linear(2), x, x + 0.5, epochs=1)
    with pytest.raises(InputError, match="predicts several things at once"):
        bl.plots.decision_boundary(run, x)
