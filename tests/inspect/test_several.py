"""Pictures, explanations and importance of networks of several inputs and outputs."""

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.inspect.draw.architecture import architecture
from tests.train.several import net, rows


@pytest.fixture(scope="module")
def run() -> bl.Run:
    x, y = rows(80)
    return bl.fit(net(), x, y, epochs=3, engine="numpy", dtype="float64", probes=None, progress=False)


def test_inputs_and_outputs_are_drawn_with_their_names_and_all_edges(run: bl.Run) -> None:
    graph = architecture(run.network)
    kinds = {key: part.kind for key, part in graph.parts.items()}
    assert [part.text for part in graph.parts.values() if part.kind == "input"] == ["image", "meta", "words"]
    assert [part.text for part in graph.parts.values() if part.kind == "output"] == ["kind", "price"]
    into = {(graph.parts[start].text, graph.parts[end].text) for start, end in graph.edges}
    assert {("image", "Conv2d(2, 3)"), ("meta", "concatenate"), ("Linear(3)", "kind"), ("Linear(1)", "price")} <= into
    assert set(kinds.values()) == {"input", "output", "layer", "merge"}
    svg = bl.draw(run).svg
    for name in ("image", "meta", "words", "kind", "price", "5 × 5 × 1"):
        assert f">{name}<" in svg, name


def test_an_ensemble_is_drawn_with_each_output_put_together() -> None:
    x, y = rows(30)
    ensemble = bl.fit(net(), x, y, epochs=1, ensemble=2, engine="numpy", probes=None, progress=False)
    graph = architecture(ensemble.network)
    merged = [part.text for part in graph.parts.values() if part.kind == "merge"]
    assert merged.count("mean_softmax") == 1
    assert merged.count("mean") == 1


def test_pictures_of_one_input_and_output_say_so(run: bl.Run) -> None:
    x, y = rows(80)
    for call in (
        lambda: bl.draw(run, depth="neurons"),
        lambda: bl.explain_update(run.network, [0], [0], "sgd"),
        lambda: bl.plots.loss_surface(run, x, y),
        lambda: bl.plots.starts(run.network),
    ):
        with pytest.raises(
            InputError, match="is for networks of one input and one output; this one has several by name"
        ):
            call()
    with pytest.raises(InputError, match=r"several outputs \(kind, price\): give y and loss"):
        bl.draw(run, depth="operations")


def test_the_graph_of_a_loss_over_both_outputs(run: bl.Run) -> None:
    x, _ = rows(2)
    targets = {"kind": np.array([0, 1]), "price": np.array([[1.0], [2.0]])}
    loss = bl.Heads({"kind": "cross_entropy", "price": "mse"}, {"price": 0.5})
    drawn = bl.draw(run, depth="operations", x=x, y=targets, loss=loss)
    assert "L" in drawn.title


def test_gradients_by_input_equal_pytorchs(run: bl.Run) -> None:
    """`explain` of one output, down to the leaves that have the inputs' names."""
    x, _ = rows(3)
    given = {name: part if name == "words" else bl.tensor(part, name=name) for name, part in x.items()}
    told = bl.explain(run.network.apply(run.network.params, given)[0]["price"].sum())
    p = tree.map(lambda leaf: torch.tensor(np.asarray(leaf)), run.network.params)
    image, meta = (torch.tensor(x[name], requires_grad=True) for name in ("image", "meta"))
    kernel = p["look"]["0"]["weight"].permute(0, 3, 1, 2)
    look = torch.relu(torch.nn.functional.conv2d(image.permute(0, 3, 1, 2), kernel, p["look"]["0"]["bias"]))
    read = torch.tensor(np.asarray(bl_read(run, x)))
    joined = torch.cat([look.permute(0, 2, 3, 1).flatten(1), read, meta], dim=1)
    hidden = torch.tanh(joined @ p["join"]["0"]["weight"].T + p["join"]["0"]["bias"])
    (hidden @ p["price"]["weight"].T + p["price"]["bias"]).sum().backward()
    assert image.grad is not None
    assert meta.grad is not None
    np.testing.assert_allclose(told["image"].upstream, image.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(told["meta"].upstream, meta.grad.numpy(), rtol=1e-9, atol=1e-12)


def bl_read(run: bl.Run, x: dict[str, Any]) -> Any:
    """What the node that reads gives, as PyTorch's recurrences are compared elsewhere."""
    seen: dict[str, Any] = {}

    def tap(path: str, output: Any) -> Any:
        seen[path] = output
        return output

    run.network.apply(run.network.params, x, tap=tap)
    return seen["read"]


def test_importance_names_the_input_that_an_output_goes_by() -> None:
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(200, 2)), "b": rng.normal(size=(200, 3)), "noise": rng.normal(size=(200, 2))}
    y = {"one": x["a"][:, 0] * 3, "other": x["b"][:, 1] * 3}
    wired = bl.Wired(
        {"one": bl.Linear(1), "other": bl.Linear(1)}, [(start, end) for start in x for end in y],
        combine="concatenate", inputs=tuple(x), outputs=tuple(y),
    )  # fmt: skip
    fitted = bl.fit(wired, x, y, epochs=60, optimizer=bl.Adam(0.05), engine="numpy", probes=None, progress=False)
    found = bl.importance(fitted, x, y)
    by = {row["column"]: row for row in found.rows}
    assert [row["column"] for row in found.rows][-1] == "noise"
    assert by["a"]["outputs"]["one"] > 5 > 0.1 > abs(by["a"]["outputs"]["other"])
    assert by["b"]["outputs"]["other"] > 5 > 0.1 > abs(by["b"]["outputs"]["one"])
    # A shuffled input's mean squared error is about twice the variance of what it told.
    assert by["a"]["outputs"]["one"] == pytest.approx(2 * y["one"].var(), rel=0.3)
    assert sum(row["gradient"] for row in found.rows) == pytest.approx(1)
    assert by["noise"]["gradient"] < 0.05
    assert found.measure == "loss"


def test_importance_of_whole_numbers_beside_real_ones(run: bl.Run) -> None:
    x, y = rows(80)
    found = {row["column"]: row["gradient"] for row in bl.importance(run, x, y, repeats=1).rows}
    assert found["words"] is None  # codes have no gradient
    assert found["image"] + found["meta"] == pytest.approx(1)
    with pytest.raises(InputError, match="y: missing 'price'"):
        bl.importance(run, x, {"kind": y["kind"]})


def test_maps_of_the_input_that_is_a_picture(run: bl.Run) -> None:
    x, _ = rows(2)
    figure = bl.plots.feature_maps(run, "look/0", x)
    assert figure.axes[1].get_title() == "layer look/0: 2 channels, 3 × 3"


def test_curves_of_many_measures_stand_in_rows(run: bl.Run) -> None:
    axes = run.plot().axes
    titles = [axis.get_title() for axis in axes]
    assert titles == ["loss", "kind_loss", "price_loss", "kind_accuracy", "price_rmse", "price_r2"]
    assert len({round(axis.get_position().y0, 3) for axis in axes}) == 2
