"""What probes tell, against PyTorch in float64 and numbers worked out by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.graph.tensor import value_of

ROWS = 24


def one(network, x, y, **options):
    """The single record of a probe of all rows, in float64, with its numbers by layer and parameter."""
    options = {"batch_size": len(x), "dtype": "float64", "metrics": [], **options}
    probes = options.pop("probes", bl.Probes(rows=len(x)))
    run = bl.fit(network, x, y, epochs=1, probes=probes, **options)
    return run.probes[-1], run.network


def weights(network):
    """A network's parameters as PyTorch tensors that want gradients."""
    from backlit.graph import tree

    return {path: torch.tensor(leaf, requires_grad=True) for path, leaf in tree.items(network.params)}


def row_norm(gradient):
    """Root mean square over the rows of the norm of a row's gradient; the loss is a mean over the rows."""
    flat = len(gradient) * gradient.reshape(len(gradient), -1)
    return float(flat.pow(2).sum(1).mean().sqrt())


def near(value):
    return pytest.approx(value, rel=2e-5)  # records keep six digits


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 5)), rng.integers(0, 3, ROWS)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("xla", marks=pytest.mark.slow)])
def test_mlp_agrees_with_pytorch(data, engine, monkeypatch):
    compile_always(monkeypatch)
    x, y = data
    record, network = one(bl.Sequential(bl.Linear(7), bl.Tanh(), bl.Linear(3)), x, y, engine=engine)
    w = weights(network)
    first = torch.tensor(x) @ w["0/weight"].T + w["0/bias"]
    hidden = torch.tanh(first)
    scores = hidden @ w["2/weight"].T + w["2/bias"]
    values = {"0": first, "1": hidden, "2": scores}
    for value in values.values():
        value.retain_grad()
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(y))
    loss.backward()
    assert record["loss"] == near(loss.item())
    for path, value in values.items():
        told = record["layers"][path]
        assert told["mean"] == pytest.approx(value.mean().item(), rel=2e-5, abs=1e-8)
        assert told["std"] == near(value.std(correction=0).item())
        assert (told["min"], told["max"]) == (near(value.min().item()), near(value.max().item()))
        assert told["gradient_norm"] == near(row_norm(value.grad))
    for path, parameter in w.items():
        assert record["params"][path]["norm"] == near(parameter.norm().item())
        assert record["params"][path]["gradient_norm"] == near(parameter.grad.norm().item())
    assert record["layers"]["input"]["std"] == near(x.std())


def test_cnn_agrees_with_pytorch():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(16, 8, 8, 2)), rng.integers(0, 3, 16)
    net = bl.Sequential(bl.Conv2d(4, 3), bl.MaxPool2d(2), bl.ReLU(), bl.Flatten(), bl.Linear(3))
    record, network = one(net, x, y)
    w = weights(network)
    pictures = torch.tensor(x).movedim(-1, 1)
    values = {"0": torch.nn.functional.conv2d(pictures, w["0/weight"].movedim(-1, 1), w["0/bias"])}
    values["1"] = torch.nn.functional.max_pool2d(values["0"], 2)
    values["2"] = torch.relu(values["1"])
    values["4"] = values["2"].movedim(1, -1).reshape(16, -1) @ w["4/weight"].T + w["4/bias"]
    for value in values.values():
        value.retain_grad()
    torch.nn.functional.cross_entropy(values["4"], torch.tensor(y)).backward()
    for path, value in values.items():
        assert record["layers"][path]["std"] == near(value.std(correction=0).item())
        assert record["layers"][path]["gradient_norm"] == near(row_norm(value.grad))
    assert record["params"]["0/weight"]["gradient_norm"] == near(w["0/weight"].grad.norm().item())
    assert record["layers"]["2"]["zeros"] == near((values["2"] == 0).double().mean().item())


CELLS = {
    "RNN": (bl.RNN(6), lambda a, h, c, w, b: (torch.tanh(a + h @ w.T), c)),
    "LSTM": (bl.LSTM(6), lambda a, h, c, w, b: lstm_cell(a, h, c, w)),
    "GRU": (bl.GRU(6), lambda a, h, c, w, b: (gru_cell(a, h, w, b), c)),
}


def lstm_cell(a, h, c, w):
    i, f, g, o = (a + h @ w.T).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_cell(a, h, w, b):
    product = h @ w.T
    r, z = torch.sigmoid(a[:, :12] + product[:, :12]).chunk(2, dim=1)
    n = torch.tanh(a[:, 12:] + r * (product[:, 12:] + b))
    return (1 - z) * n + z * h


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("engine", ["numpy", pytest.param("xla", marks=pytest.mark.slow)])
def test_gradients_by_time_step_agree_with_pytorch(kind, engine, monkeypatch):
    compile_always(monkeypatch)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(ROWS, 9, 3)), rng.normal(size=ROWS)
    layer, cell = CELLS[kind]
    record, network = one(bl.Sequential(layer, bl.Linear(1)), x, y, engine=engine)
    w = weights(network)
    h = c = torch.zeros(ROWS, 6, dtype=torch.float64)
    states = []
    for t in range(9):
        a = torch.tensor(x[:, t]) @ w["0/weight"].T + w["0/bias"]
        h, c = cell(a, h, c, w["0/recurrent/weight"], w.get("0/recurrent/bias"))
        h.retain_grad()
        states.append(h)
    output = (h @ w["1/weight"].T + w["1/bias"])[:, 0]
    (output - torch.tensor(y)).pow(2).mean().backward()
    steps = record["layers"]["0"]["steps"]
    assert steps["gradient_norm"] == near([row_norm(h.grad) for h in states])
    assert steps["std"] == near([h.std(correction=0).item() for h in states])
    together = torch.stack([h.grad for h in states], dim=1)
    assert record["layers"]["0"]["gradient_norm"] == near(row_norm(together))


@pytest.mark.slow
def test_padding_doesnt_count():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(8, 6, 2))
    x[:, 4:] = 0.0
    net = bl.Sequential(bl.Masked(bl.RNN(4)), bl.Linear(1))
    padded, _ = one(net, x, np.arange(8.0))
    short, _ = one(net, x[:, :4], np.arange(8.0))
    path = next(path for path, own in short["layers"].items() if "steps" in own)
    assert padded["layers"][path]["std"] == near(short["layers"][path]["std"])
    assert padded["layers"][path]["steps"]["gradient_norm"][:4] == near(short["layers"][path]["steps"]["gradient_norm"])
    assert padded["layers"][path]["steps"]["gradient_norm"][4:] == [0.0, 0.0]
    assert sum(padded["layers"][path]["histogram"]) == sum(short["layers"][path]["histogram"])


def test_update_ratio_is_that_of_the_next_update(data):
    x, y = data
    options = {"optimizer": bl.Momentum(0.1, 0.9), "batch_size": None, "shuffle": False, "dtype": "float64"}
    net = bl.Sequential(bl.Linear(4), bl.Sigmoid(), bl.Linear(3)).build(5, dtype="float64")
    options |= {"penalty": bl.L2(0.01), "reduction": "sum"}
    run = bl.fit(net, x, y, epochs=3, probes=bl.Probes(every=1, rows=ROWS), **options)
    before = bl.fit(net, x, y, epochs=2, **options).network.params
    for path in ("0", "2"):
        old, new = before[path]["weight"], run.network.params[path]["weight"]
        told = run.probes[1]["params"][f"{path}/weight"]["update_ratio"]
        assert told == near(np.linalg.norm(new - old) / np.linalg.norm(old))


@pytest.mark.parametrize("engine", ["numpy", pytest.param("xla", marks=pytest.mark.slow)])
def test_dead_units_are_counted(engine, monkeypatch):
    compile_always(monkeypatch)
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(1)).build(3)
    params = {**net.params, "0": {**net.params["0"], "bias": np.array([-99.0] * 3 + [99.0] * 5, "float32")}}
    x = np.random.default_rng(0).normal(size=(64, 3))
    record, _ = one(net.replace(params=params), x, x[:, 0], engine=engine, optimizer=bl.SGD(1e-9))
    assert record["layers"]["1"]["dead"] == 0.375
    assert record["layers"]["1"]["zeros"] == record["layers"]["1"]["saturated"] == 0.375
    assert record["layers"]["0"]["dead"] == 0.0


def test_one_signed_gradients_come_from_inputs_of_one_sign():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.5, size=(1, 6))
    net = bl.Sequential(bl.Linear(5), bl.Linear(1))
    positive, _ = one(net, x, [1.0])
    mixed, _ = one(net, x - 1.0, [1.0])
    assert positive["params"]["0/weight"]["one_signed"] == 1.0
    assert mixed["params"]["0/weight"]["one_signed"] == 0.0


def test_noise_is_the_variance_between_batches():
    """Of the batches that the probe looks at, as a layer sees them."""
    seen = []

    @dataclass(frozen=True, repr=False)
    class Seen(bl.Layer):
        def __call__(self, params, x, ctx=None):
            seen.append(np.array(value_of(x)))
            return x

    x, targets = np.random.default_rng(4).normal(size=(32, 3)), np.random.default_rng(5).normal(size=32)
    net = bl.Sequential(Seen(), bl.Linear(1)).build(3, dtype="float64")
    options = {"optimizer": bl.SGD(1e-12), "batch_size": 8, "dtype": "float64", "metrics": [], "engine": "numpy"}
    run = bl.fit(net, x, targets, epochs=1, probes=bl.Probes(rows=32), **options)
    told = run.probes[-1]["params"]["1/weight"]
    batches = [int(np.flatnonzero((x == row).all(axis=1))[0]) for batch in seen[-4:] for row in batch]
    assert sorted(batches) == list(range(32))  # every row once
    w, b = net.params["1"]["weight"][0], net.params["1"]["bias"]
    errors = x @ w + b - targets
    gradients = [2 * (errors[rows][:, None] * x[rows]).mean(axis=0) for rows in np.reshape(batches, (4, 8))]
    mean = np.mean(gradients, axis=0)
    variance = sum(((gradient - mean) ** 2).sum() for gradient in gradients) / 3
    assert told["gradient_norm"] == near(np.linalg.norm(mean))
    assert told["noise"] == near(variance / (mean**2).sum())


def test_small_gradients_dont_vanish_in_32_bits():
    layers = [part for _ in range(12) for part in (bl.Linear(8, weight_init="normal:0.001"), bl.Tanh())]
    record = bl.probe(bl.Sequential(*layers), np.ones((20, 8)), np.ones((20, 8)))[0]
    assert 0 < record["layers"]["0"]["gradient_norm"] < 1e-22


def test_bad_values_are_told_and_others_survive():
    net = bl.Sequential(bl.Linear(2), bl.ReLU(), bl.Linear(1)).build(2)
    params = {**net.params, "2": {**net.params["2"], "weight": np.full((1, 2), np.inf, "float32")}}
    record = bl.probe(net.replace(params=params), np.eye(2), [1.0, 2.0])[0]
    assert record["layers"]["2"]["bad"] == 1.0
    assert record["layers"]["2"]["mean"] is None
    assert record["layers"]["0"]["bad"] == 0.0
    assert record["layers"]["0"]["std"] is not None


def test_histogram_counts_match_numpy(data):
    x, y = data
    record, _ = one(bl.Sequential(bl.Linear(4), bl.Linear(3)), x, y)
    counts, _ = np.histogram(x, 24)
    assert record["layers"]["input"]["histogram"] == counts.tolist()


def test_watched_nodes(data):
    x, y = data
    net = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(3))
    record, network = one(net, x, y, probes=bl.Probes(watch=("0/linear", "2/add"), rows=ROWS))
    assert record["layers"]["0/linear"]["std"] == near((x @ network.params["0"]["weight"].T).std())
    same(record["layers"]["2/add"], {**record["layers"]["2"], "layer": ""})
    with pytest.raises(bl.UnknownNameError, match=r"node to watch '0/linaer'.*0/linear"):
        one(net, x, y, probes=bl.Probes(watch=("0/linaer",)))


def test_engines_agree(data, monkeypatch):
    """On layers of all kinds: one network of them, for compiling is what takes the time."""
    compile_always(monkeypatch)
    x, y = data
    kinds = (
        bl.BatchNorm(), bl.Dropout(0.5), bl.Residual(bl.Linear(5), bl.ReLU()), bl.Parallel(bl.Linear(2), bl.Linear(3)),
        bl.PReLU(), bl.LayerNorm(), bl.Reshape((5, 1)),
    )  # fmt: skip
    net = bl.Sequential(bl.Linear(5), *kinds, bl.Flatten(), bl.Linear(3))
    found = [one(net, x, y, engine=engine, batch_size=8)[0] for engine in ("numpy", "xla")]
    assert {path.partition("/")[0] for path in found[0]["layers"]} >= {str(place) for place in range(10)}
    same(*found)


def same(a, b):
    """Records that agree to five digits."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        nothing = a.get("gradient_norm", 1.0) < 1e-12  # of a bias before a batch norm: rounding errors
        for key in a:
            if key != "histogram" and not nothing:  # a value on an edge may fall to either side
                same(a[key], b[key])
    elif isinstance(a, list):
        for left, right in zip(a, b, strict=True):
            same(left, right)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-9)
    else:
        assert a == b


def compile_always(monkeypatch):
    """Let the XLA engine compile even what isn't worth it."""
    monkeypatch.setattr("backlit.train.probes.schedule.COMPILING", 0.0)


def test_histograms_of_gradients_are_kept_where_they_are_asked_for():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    options = {"epochs": 2, "engine": "numpy", "batch_size": "full", "dtype": "float64"}
    run = bl.fit(bl.Linear(2), x, x[:, :2], probes=bl.Probes(every=1, gradients=True), **options)
    weights = {name: torch.tensor(np.array(value), requires_grad=True) for name, value in run.network.params.items()}
    outputs = torch.tensor(x) @ weights["weight"].T + weights["bias"]
    (outputs - torch.tensor(x[:, :2])).square().mean().backward()
    for name, weight in weights.items():
        told, gradient = run.probes[-1]["gradients"][name], weight.grad.numpy().ravel()
        assert (told["min"], told["max"]) == (
            pytest.approx(gradient.min(), rel=1e-5),
            pytest.approx(gradient.max(), rel=1e-5),
        )
        assert told["histogram"] == np.histogram(gradient, len(told["histogram"]))[0].tolist()
    assert "gradients" not in bl.fit(bl.Linear(2), x, x[:, :2], **options).probes[-1]
