"""Networks of several inputs and outputs, against PyTorch in float64 and against networks of one of each."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.nn.losses import Heads
from backlit.train.ensemble import members as members_of
from backlit.train.program import program_for
from tests.train.several import net, rows

TWO = [("a", "first"), ("b", "second"), ("first", "join"), ("second", "join"), ("join", "kind"), ("join", "price")]
LOSS = {"kind": "cross_entropy", "price": "mse"}


def two() -> bl.Wired:
    parts = {
        "first": bl.Sequential(bl.Linear(5), bl.Tanh()),
        "second": bl.Sequential(bl.Linear(4), bl.ReLU()),
        "join": bl.Sequential(bl.Linear(6), bl.Tanh()),
        "kind": bl.Linear(3),
        "price": bl.Linear(1),
    }
    return bl.Wired(parts, TWO, combine="concatenate", inputs=("a", "b"), outputs=("kind", "price"))


def data(count: int = 48) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(count, 4)), rng.normal(size=(count, 2))
    return {"a": a, "b": b}, {"kind": rng.integers(0, 3, count), "price": a[:, 0] - b[:, 1]}


class Twin(torch.nn.Module):
    """The same network in PyTorch."""

    def __init__(self, network: bl.Network) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleDict()
        for name, own in network.params.items():
            own = own.get("0", own)
            part = torch.nn.Linear(*reversed(own["weight"].shape), dtype=torch.float64)
            part.weight.data, part.bias.data = (torch.tensor(np.array(own[key])) for key in ("weight", "bias"))
            self.parts[name] = part

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
        first, second = torch.tanh(self.parts["first"](a)), torch.relu(self.parts["second"](b))
        joined = torch.tanh(self.parts["join"](torch.cat([first, second], dim=1)))
        return {name: self.parts[name](joined) for name in ("kind", "price")}


def weighted(losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (losses * weights).sum() / weights.sum()


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize("by_head", [False, True])
def test_fifty_updates_equal_pytorchs(engine: str, by_head: bool) -> None:
    x, y = data()
    network = two().build({"a": (4,), "b": (2,)}, seed=3, dtype="float64")
    rng = np.random.default_rng(2)
    whole = rng.uniform(0.5, 2, 48)
    own = {"kind": rng.uniform(0, 2, 48), "price": np.where(rng.random(48) < 0.3, 0.0, 1.0)} if by_head else None
    run = bl.fit(
        network, x, y, loss=LOSS, loss_weights={"price": 0.1}, optimizer=bl.Adam(0.01), epochs=10, batch_size=10,
        shuffle=False, dtype="float64", engine=engine, sample_weight=own or whole, probes=None, progress=False,
    )  # fmt: skip
    twin = Twin(network)
    adam = torch.optim.Adam(twin.parameters(), lr=0.01)
    tensors = {name: torch.tensor(part) for name, part in (x | y).items()}
    weights = {name: torch.tensor(own[name] if own else whole) for name in ("kind", "price")}
    for _ in range(10):
        for start in range(0, 48, 10):
            some = slice(start, start + 10)
            out = twin(tensors["a"][some], tensors["b"][some])
            kind = torch.nn.functional.cross_entropy(out["kind"], tensors["kind"][some], reduction="none")
            price = torch.nn.functional.mse_loss(out["price"][:, 0], tensors["price"][some], reduction="none")
            loss = weighted(kind, weights["kind"][some]) + 0.1 * weighted(price, weights["price"][some])
            adam.zero_grad()
            loss.backward()
            adam.step()
    expected = twin(tensors["a"], tensors["b"])
    for name, outputs in run.outputs(x).items():
        np.testing.assert_allclose(outputs, expected[name].detach().numpy(), rtol=1e-9, atol=1e-11)


def test_the_history_has_each_heads_loss_and_metrics() -> None:
    """Each head's numbers are those of scikit-learn's or NumPy's formula; the loss is their weighted sum."""
    x, y = data()
    run = bl.fit(two(), x, y, loss=LOSS, loss_weights={"price": 0.1}, epochs=3, validation=(x, y), progress=False)
    last = run.history[-1]
    assert last["loss"] == pytest.approx(last["kind_loss"] + 0.1 * last["price_loss"])
    predicted, chances = run.predict(x), run.predict_proba(x)
    assert list(chances) == ["kind"]
    assert last["val_kind_accuracy"] == pytest.approx((predicted["kind"] == y["kind"]).mean())
    assert last["val_kind_loss"] == pytest.approx(-np.log(chances["kind"][np.arange(48), y["kind"]]).mean(), rel=1e-5)
    assert last["val_price_rmse"] == pytest.approx(np.sqrt(np.square(predicted["price"] - y["price"]).mean()), rel=1e-5)
    told = run.evaluate(x, y)
    assert told == pytest.approx({name[4:]: value for name, value in last.items() if name.startswith("val_")}, rel=1e-5)
    assert run.classes == {"kind": [0, 1, 2]}


def test_one_head_is_a_network_of_one_output() -> None:
    """Of one input and output by name all numbers are, bit for bit, those of the plain network; weights as well.

    On NumPy: XLA may fuse two programs' sums in different orders, which some processors show.
    """
    x, y = data()
    weights = np.random.default_rng(0).uniform(size=48)
    options: dict[str, Any] = {
        "engine": "numpy",
        "epochs": 3,
        "validation": 0.25,
        "progress": False,
        "mixup": 0.2,
        "accumulate": 2,
    }
    plain = bl.fit(
        bl.Wired({"only": bl.Linear(3)}, []), x["a"], y["kind"], sample_weight=weights,
        class_weight="balanced", **options,
    )  # fmt: skip
    wired = bl.Wired({"only": bl.Linear(3)}, [("a", "only")], inputs=("a",), outputs=("only",))
    named = bl.fit(
        wired, {"a": x["a"]}, {"only": y["kind"]}, sample_weight={"only": weights},
        class_weight={"only": "balanced"}, **options,
    )  # fmt: skip
    assert named.history["loss"] == plain.history["loss"] == named.history["only_loss"]
    assert named.history["val_only_accuracy"] == plain.history["val_accuracy"]
    np.testing.assert_array_equal(named.outputs({"a": x["a"]})["only"], plain.outputs(x["a"]))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_ranks_and_whole_numbers_mixed(engine: str) -> None:
    """The compiled engine says what NumPy says, and the trunk learns from all inputs."""
    x, y = rows()
    run = bl.fit(
        net(), x, y, epochs=4, validation=0.2, engine=engine, dtype="float64", seed=1, probes=None, progress=False
    )
    reference = bl.fit(net(), x, y, epochs=4, validation=0.2, engine="numpy", dtype="float64", seed=1, progress=False)
    np.testing.assert_allclose(run.history["loss"], reference.history["loss"], rtol=1e-10)
    before = net().build({"image": (5, 5, 1), "meta": (3,), "words": (4,)}, seed=1, dtype="float64").params
    for part in ("look", "read", "join", "kind", "price"):
        moved = tree.map(lambda a, b: bool((a != b).any()), before[part], run.network.params[part])
        assert any(tree.leaves(moved)), part


@pytest.mark.slow
def test_padding_is_masked_in_the_input_that_has_it() -> None:
    x, y = rows()
    wired = net(read=bl.Masked(bl.Embedding(7, 3), bl.LSTM(4)))
    x["words"] = np.where(np.arange(4) < 2, x["words"] % 6 + 1, 0)
    longer = {**x, "words": np.pad(x["words"], ((0, 0), (0, 3)))}
    run = bl.fit(wired, x, y, epochs=2, progress=False)
    again = bl.fit(wired, longer, y, epochs=2, progress=False)
    assert again.history["kind_loss"] == pytest.approx(run.history["kind_loss"], rel=1e-5)


@pytest.mark.slow
def test_early_stopping_on_a_heads_metric() -> None:
    x, y = data()
    stop = bl.EarlyStopping(2, monitor="val_price_rmse")
    run = bl.fit(two(), x, y, validation=0.3, epochs=60, early_stopping=stop, optimizer=bl.Adam(0.05), progress=False)
    assert run.best_epoch == 1 + int(np.argmin(run.history["val_price_rmse"]))
    accuracy = bl.fit(
        two(), x, y, validation=0.3, epochs=9, early_stopping=bl.EarlyStopping(2, monitor="val_kind_accuracy"),
        progress=False,
    )  # fmt: skip
    assert accuracy.best_epoch == 1 + int(np.argmax(accuracy.history["val_kind_accuracy"]))  # larger is better
    with pytest.raises(InputError, match="nothing called 'val_rmse' is measured; there is loss, kind_loss, price_loss"):
        bl.fit(two(), x, y, validation=0.3, early_stopping=bl.EarlyStopping(2, monitor="val_rmse"), progress=False)


@pytest.mark.slow
def test_an_ensemble_averages_probabilities_and_numbers() -> None:
    x, y = data()
    run = bl.fit(two(), x, y, epochs=2, ensemble=2, progress=False)
    members = [member(x) for member in members_of(run.network)]
    softmax = [np.exp(m["kind"]) / np.exp(m["kind"]).sum(1, keepdims=True) for m in members]
    np.testing.assert_allclose(run.predict_proba(x)["kind"], np.mean(softmax, axis=0), rtol=1e-5)
    np.testing.assert_allclose(run.predict(x)["price"], np.mean([m["price"][:, 0] for m in members], axis=0), rtol=1e-5)


@pytest.mark.slow
def test_a_run_is_saved_loaded_and_gone_on_with(tmp_path: Path) -> None:
    x, y = rows()
    options: dict[str, Any] = {
        "loss": LOSS, "loss_weights": {"price": 0.1}, "metrics": {"price": ["mae"]}, "validation": 0.2,
        "standardize_targets": True, "seed": 4, "progress": False,
    }  # fmt: skip
    whole = bl.fit(net(), x, y, epochs=4, **options)
    bl.fit(net(), x, y, epochs=2, checkpoint=tmp_path / "run", **options)
    gone_on = bl.fit(net(), x, y, epochs=4, checkpoint=tmp_path / "run", resume=True, **options)
    assert gone_on.history["loss"] == whole.history["loss"]
    loaded = bl.load(tmp_path / "run")
    assert loaded.evaluate(x, y) == whole.evaluate(x, y)
    assert list(loaded.metrics) == ["price_mae"]
    assert loaded.loss == whole.loss == Heads(LOSS, {"price": 0.1})
    assert loaded.network.input_shape == {"image": (5, 5, 1), "meta": (3,), "words": (4,)}
    with pytest.raises(InputError, match="other training rows or targets"):
        bl.fit(net(), {**x, "meta": x["meta"] + 1}, y, epochs=5, checkpoint=tmp_path / "run", resume=True, **options)


def test_preparations_by_input(tmp_path: Path) -> None:
    import polars

    x, y = data()
    frame = polars.DataFrame({"q": x["b"][:, 0], "p": x["b"][:, 1]})
    run = bl.fit(two(), {"a": x["a"], "b": frame}, y, epochs=2, progress=False)
    by_name = run.predict({"a": x["a"], "b": frame.select("p", "q")})  # columns are found by their names
    np.testing.assert_array_equal(by_name["price"], run.predict(x)["price"])
    scaled = bl.fit(
        two(), {**x, "a": x["a"] * 100}, y, preparation={"a": bl.data.Standardize().fit(x["a"] * 100)}, epochs=2,
        progress=False,
    )  # fmt: skip
    loaded = bl.load(scaled.save(tmp_path / "run"))
    np.testing.assert_array_equal(
        loaded.predict({**x, "a": x["a"] * 100})["price"], scaled.predict({**x, "a": x["a"] * 100})["price"]
    )


def test_a_class_at_each_step_beside_one_a_row() -> None:
    """Outputs of two ranks, one with padding; what is measured counts the steps that are real."""
    rng = np.random.default_rng(0)
    wired = bl.Wired(
        {
            "read": bl.GRU(6, return_sequences=True),
            "tags": bl.Linear(3),
            "end": bl.Sequential(bl.GRU(4), bl.Linear(2)),
        },
        [("x", "read"), ("read", "tags"), ("read", "end")],
        inputs=("x",),
        outputs=("tags", "end"),
    )
    x = {"x": rng.normal(size=(60, 5, 2))}
    tags = np.where(np.arange(5) < rng.integers(2, 6, (60, 1)), rng.integers(0, 3, (60, 5)), -1)
    y = {"tags": tags, "end": rng.integers(0, 2, 60)}
    run = bl.fit(wired, x, y, epochs=2, engine="numpy", progress=False)
    called = run.outputs(x)["tags"].argmax(axis=2)
    assert run.evaluate(x, y)["tags_accuracy"] == pytest.approx((called == tags)[tags >= 0].mean())
    assert run.predict(x)["tags"].shape == (60, 5)
    assert [finding.name for finding in run.diagnose().alarms] == ["stopped early"]  # after two epochs


def test_a_layer_that_writes_is_told_its_own_outputs_targets() -> None:
    """So that it learns from the true beginnings, as it does alone."""
    rng = np.random.default_rng(0)
    x, tokens = rng.normal(size=(40, 3)), rng.integers(4, 7, size=(40, 4))
    decoder = bl.Decoder(tokens=7, steps=4, units=5)
    alone = bl.Wired({"write": decoder}, [])
    beside = bl.Wired(
        {"write": decoder, "sum": bl.Linear(1)}, [("input", "write"), ("input", "sum")], outputs=("write", "sum")
    )
    options: dict[str, Any] = {"epochs": 3, "engine": "numpy", "dtype": "float64", "probes": None, "progress": False}
    one = bl.fit(alone, x, tokens, loss="cross_entropy", clip=None, **options)
    two = bl.fit(
        beside, x, {"write": tokens, "sum": x.sum(axis=1)}, loss={"write": "cross_entropy"}, clip=None, **options
    )
    np.testing.assert_allclose(two.history["write_loss"], one.history["loss"], rtol=1e-12)


def test_a_carried_state_goes_on_beside_others() -> None:
    x = {"s": np.random.default_rng(0).normal(size=(40, 3, 2))}
    wired = bl.Wired(
        {"read": bl.LSTM(4, stateful=10), "one": bl.Linear(1), "two": bl.Linear(1)},
        [("s", "read"), ("read", "one"), ("read", "two")],
        inputs=("s",),
        outputs=("one", "two"),
    )
    y = {"one": x["s"][:, 0, 0], "two": x["s"][:, 0, 1]}
    options: dict[str, Any] = {"batch_size": 10, "epochs": 2, "dtype": "float64", "probes": None, "progress": False}
    run, again = (bl.fit(wired, x, y, engine=engine, **options) for engine in ("numpy", "xla"))
    assert any(value.any() for value in run.network.state.values())
    np.testing.assert_allclose(again.history["two_loss"], run.history["two_loss"], rtol=1e-10)


def test_columns_of_targets_may_be_a_data_frame() -> None:
    import polars

    x, y = data()
    frame = polars.DataFrame({"price": y["price"], "kind": y["kind"]})
    run = bl.fit(two(), x, frame, epochs=1, probes=None, progress=False)
    assert run.evaluate(x, frame) == run.evaluate(x, y)


def test_diverging_names_the_place() -> None:
    x, y = data()
    run = bl.fit(two(), x, {**y, "price": y["price"] * 1e30}, loss=LOSS, epochs=2, progress=False)
    assert run.stopped == "diverged"
    assert run.diverged is not None


X, Y = data(12)


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        ({"a": X["a"]}, Y, {}, "x: missing 'b'; the network's inputs are 'a', 'b'"),
        ({**X, "c": X["a"]}, Y, {}, "x: unknown 'c'; the network's inputs are 'a', 'b'"),
        ({"a": X["a"], "B": X["b"]}, Y, {}, "x: missing 'b'; unknown 'B'"),
        (X["a"], Y, {}, r"x must be a dict of the network's inputs 'a', 'b', .* got an array of shape \(12, 4\)"),
        ({**X, "b": X["b"][:7]}, Y, {}, "all inputs need equally many rows: 'a' has 12, 'b' has 7"),
        ({**X, "b": np.full((12, 2), np.nan)}, Y, {}, r"input 'b': x: row 0, column 0 is missing \(NaN\)"),
        (X, {"kind": Y["kind"]}, {}, "y: missing 'price'; the network's outputs are 'kind', 'price'"),
        (X, Y["kind"], {}, r"y must be a dict of the network's outputs .* got an array of shape \(12,\)"),
        (X, {**Y, "price": Y["price"][:5]}, {}, "output 'price': x has 12 rows and y 5: they must be equal"),
        (X, {**Y, "kind": np.arange(12)}, {}, "output 'kind': the targets have 12 classes"),
        (X, {**Y, "kind": np.eye(3)[Y["kind"]]}, {"loss": {"price": "mse"}}, "output 'kind': y is one-hot"),
        (X, Y, {"loss": {"cost": "mse"}}, "loss: 'cost' is no output; the network's outputs are 'kind', 'price'"),
        (X, Y, {"loss": {"kind": "mse2"}}, "output 'kind': unknown loss 'mse2'"),
        (X, Y, {"loss_weights": {"cost": 1}}, "loss_weights: 'cost' is no output; there is kind, price"),
        (
            X,
            Y,
            {"loss_weights": {"price": -1}},
            "loss_weights: 'price' must have a finite number of at least 0, got -1",
        ),
        (X, Y, {"loss_weights": {"kind": 0, "price": 0}}, "every output has weight 0, so there is nothing to learn"),
        (X, Y, {"metrics": ["rmse"]}, r"metrics of a network of several outputs are by output, metrics=\{'kind'"),
        (X, Y, {"metrics": {"cost": ["rmse"]}}, "metrics: 'cost' is no output"),
        (X, Y, {"metrics": {"kind": ["rmse"]}}, "output 'kind': rmse doesn't fit 'class' targets"),
        (X, Y, {"sample_weight": {"cost": np.ones(12)}}, "sample_weight: 'cost' is no output"),
        (X, Y, {"sample_weight": {"price": np.ones(3)}}, r"output 'price': sample_weight must have shape \(12,\)"),
        (X, Y, {"class_weight": "balanced"}, r"class_weight of a network of several outputs is by output"),
        (X, Y, {"class_weight": {"price": "balanced"}}, "output 'price': class_weight needs class targets"),
        (X, Y, {"validation": ({"a": X["a"]}, Y)}, "validation data: x: missing 'b'"),
        (
            X,
            Y,
            {"preparation": {"c": bl.data.Standardize().fit(X["a"])}},
            "preparation is for the input 'c', but x has",
        ),
    ],
)
def test_what_doesnt_fit_is_refused_by_name(x: Any, y: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((InputError, ShapeError), match=message):
        bl.fit(two(), x, y, progress=False, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": X}, r"x has several arrays \(a, b\), but the network takes one; bl.Wired"),
        ({"y": Y}, r"y has several targets \(kind, price\), but the network has one output"),
        ({"loss": LOSS}, "loss is by output, but the network has one output"),
        ({"loss_weights": {"kind": 1.0}}, "loss_weights is by output, but the network has one output"),
        ({"metrics": {"kind": ["accuracy"]}}, "metrics are by output, but the network has one output"),
        ({"sample_weight": {"kind": np.ones(12)}}, "sample_weight is by output, but the network has one output"),
    ],
)
def test_one_input_and_output_refuse_several(options: dict[str, Any], message: str) -> None:
    given = {"x": X["a"], "y": Y["kind"]} | options
    with pytest.raises(InputError, match=message):
        bl.fit(bl.Linear(3), given.pop("x"), given.pop("y"), progress=False, **given)


def test_names_that_the_history_needs() -> None:
    with pytest.raises(InputError, match="output 'val_a': names with 'val_' in front are the history's"):
        Heads({"a": "mse", "val_a": "mse"})


@pytest.mark.slow
def test_a_used_run_refuses_by_name() -> None:
    run = bl.fit(two(), X, Y, epochs=1, probes=None, progress=False)
    with pytest.raises(InputError, match="x: missing 'b'"):
        run.predict({"a": X["a"]})
    with pytest.raises(ShapeError, match=r"the network takes rows of shape {a: \(4,\), b: \(2,\)}"):
        run.predict({"a": X["a"][:, :2], "b": X["b"]})
    with pytest.raises(InputError, match="sample_weight: 'cost' is no output"):
        run.evaluate(X, Y, sample_weight={"cost": np.ones(12)})


def test_a_head_without_weight_is_measured_and_not_learned() -> None:
    x, y = data()
    run = bl.fit(two(), x, y, loss_weights={"price": 0}, epochs=3, optimizer="sgd", dtype="float64", progress=False)
    start = two().build({"a": (4,), "b": (2,)}, dtype="float64")
    np.testing.assert_array_equal(run.network.params["price"]["weight"], start.params["price"]["weight"])
    assert run.history["price_loss"][-1] > 0
    assert not [finding for finding in run.diagnose() if "price" in finding.where]  # nobody asked for it


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_targets_that_arent_known_count_nowhere(engine: str) -> None:
    """Rows of weight 0 for an output: what stands there as its target changes nothing, held out or not."""
    x, y = data(200)
    known = np.random.default_rng(3).random(200) < 0.6
    options: dict[str, Any] = {
        "epochs": 15, "validation": 0.3, "engine": engine, "dtype": "float64", "optimizer": bl.Adam(0.02),
        "sample_weight": {"price": known.astype(float)}, "progress": False,
    }  # fmt: skip
    run = bl.fit(two(), x, y, **options)
    other = bl.fit(two(), x, {**y, "price": np.where(known, y["price"], 1e4)}, **options)
    for name in ("price_loss", "val_price_loss", "price_rmse", "val_price_rmse", "kind_loss"):
        np.testing.assert_allclose(other.history[name], run.history[name], rtol=1e-9)
    assert other.start is not None
    assert other.start["data"]["by_output"] == run.start["data"]["by_output"]  # type: ignore[index]
    assert str(other.diagnose()) == str(run.diagnose())


def test_the_same_kind_of_network_compiles_once() -> None:
    x, y = data()
    options: dict[str, Any] = {"loss": LOSS, "probes": None, "progress": False, "epochs": 1}
    bl.fit(two(), x, y, **options)
    before = program_for.kept.cache_info().hits
    bl.fit(copy.deepcopy(two()), dict(reversed(x.items())), y, seed=5, **options)  # whatever the order of the inputs
    assert program_for.kept.cache_info().hits == before + 1
