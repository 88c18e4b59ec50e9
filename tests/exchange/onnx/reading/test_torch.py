"""Networks that PyTorch exported: outputs as onnxruntime's, gradients as PyTorch's, and all that networks can do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree
from backlit.nn.layers.onnx import OnnxGraph, OnnxNode
from tests.exchange.onnx.reading.common import by_onnxruntime, from_torch

torch = pytest.importorskip("torch")
nn = torch.nn
torch.manual_seed(0)


class Recurrent(nn.Module):
    """A recurrent network that is read at its last step."""

    def __init__(self, kind: str, width: int = 4, last: bool = False, **options: Any) -> None:
        super().__init__()
        self.body = getattr(nn, kind)(3, 4, batch_first=True, **options)
        self.head, self.last = nn.Linear(width, 2), last

    def forward(self, x: Any) -> Any:
        steps, state = self.body(x)
        return self.head(state[-1] if self.last else steps[:, -1])


class Branched(nn.Module):
    """A convolutional network with a way around one of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.head = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        x = self.norm(self.first(x)).relu()
        return self.head((x + self.second(x)).mean(dim=(2, 3)))


class Attentive(nn.Module):
    """An embedding, a Transformer's layer, a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.body = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(self.table(x)).mean(1))


PICTURES = nn.Sequential(
    nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 4, 3, stride=2, bias=False), nn.SiLU(), nn.Flatten(), nn.Linear(36, 5),
)  # fmt: skip
DENSE = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 3))
# name: module, shape of an example, and the layers that must come of it (None: a graph).
CASES: dict[str, tuple[Any, tuple[int, ...], str | None]] = {
    "dense": (DENSE, (5,), "Linear Tanh LayerNorm Linear GELU Linear"),
    "pictures": (PICTURES, (3, 14, 14), "Permute Conv2d ReLU MaxPool2d Conv2d SiLU Flatten Linear"),
    "line": (
        nn.Sequential(
            nn.Conv1d(3, 6, 3, dilation=2),
            nn.AvgPool1d(2),
            nn.ELU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(6, 5),
        ),
        (3, 14),
        "Permute Conv1d AvgPool1d ELU GlobalAvgPool Linear",
    ),
    "enlarged": (
        nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.PReLU(4), nn.ConvTranspose2d(4, 2, 3, 2, 1, 1), nn.Sigmoid()),
        (1, 8, 8),
        "Permute Conv2d PReLU ConvTranspose2d Sigmoid Permute",
    ),
    "lstm": (Recurrent("LSTM"), (6, 3), "LSTM Select Linear"),
    "gru, its state": (Recurrent("GRU", last=True), (6, 3), "GRU Linear"),
    "gru, both ways": (Recurrent("GRU", 8, bidirectional=True), (6, 3), "Bidirectional Select Linear"),
    "rnn, two layers": (Recurrent("RNN", num_layers=2), (6, 3), "RNN RNN Select Linear"),
    "branched": (Branched(), (3, 8, 8), None),
    "attentive": (Attentive(), (5,), None),
}
BY_DYNAMO = ("pictures", "gru, both ways", "attentive")
WAYS = (
    [(name, False, True) for name in CASES]
    + [(name, True, True) for name in BY_DYNAMO]
    + [("pictures", False, False), ("lstm", False, False)]
)


def stirred(module: Any, dtype: Any) -> Any:
    """The module with weights and running values that aren't those of a start."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for array in (*module.parameters(), *module.buffers()):
            if array.dtype.is_floating_point:
                array.copy_(array + 0.2 * torch.rand(array.shape, generator=generator, dtype=array.dtype))
    return module.to(dtype)


def inputs(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    generator = torch.Generator().manual_seed(1)
    if name == "attentive":
        return torch.randint(0, 11, (3, *shape), generator=generator)
    return torch.randn((3, *shape), generator=generator, dtype=dtype)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dynamo", "dynamic"), WAYS)
def test_outputs(name: str, dynamo: bool, dynamic: bool, tmp_path: Path) -> None:
    module, shape, layers = CASES[name]
    module, x = stirred(module, torch.float32), inputs(name, shape, torch.float32)
    path = from_torch(module, x, tmp_path / "net.onnx", dynamo, dynamic)
    network = bl.from_onnx(path)
    assert network.input_shape == shape
    expected = by_onnxruntime(path, x.numpy()) if dynamic else module(x).detach().numpy()
    np.testing.assert_allclose(network(x.numpy()), expected, rtol=1e-5, atol=1e-5)
    compiled = bl.compile(network)
    np.testing.assert_allclose(compiled(x.numpy()), expected, rtol=1e-5, atol=1e-5)
    if layers is not None:
        assert " ".join(type(layer).__name__ for layer in network.architecture.layers) == layers  # type: ignore[attr-defined]
    else:
        assert isinstance(network.architecture, OnnxGraph)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str, tmp_path: Path) -> None:
    """By the inputs, and by the weights as far as that doesn't depend on how they are laid out: the sum of squares."""
    module, shape, _ = CASES[name]
    module, x = stirred(module, torch.float64), inputs(name, shape, torch.float64)
    network = bl.from_onnx(from_torch(module, x, tmp_path / "net.onnx", whole=True))
    assert network.dtype == np.dtype("float64")
    floats = x.dtype.is_floating_point
    x = x.requires_grad_(floats)
    module.zero_grad()
    module.eval()(x).square().sum().backward()

    def loss(params: Any, x: Any) -> Any:
        return bl.ops.square(network.apply(params, x)[0]).sum()

    if floats:
        ours = bl.grad(lambda x: loss(network.params, x))(x.detach().numpy())
        np.testing.assert_allclose(ours, x.grad.numpy(), rtol=1e-6, atol=1e-9)
    x = x.detach().numpy()
    ours = sum(float((leaf**2).sum()) for leaf in tree.leaves(bl.grad(lambda params: loss(params, x))(network.params)))
    # Two biases that are only added are one here; GRU's second one isn't only added, but its first two thirds are.
    theirs = 0.0
    for path, weight in module.named_parameters():
        squares = (weight.grad**2).numpy()
        if "bias_hh" in path:
            squares = squares[2 * len(squares) // 3 :] if "gru" in name else squares[:0]
        theirs += float(squares.sum())
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pictures", "branched", "attentive"])
def test_all_that_networks_can_do(name: str, tmp_path: Path) -> None:
    """Training goes on and lowers the loss; explained, drawn, diagnosed, saved without code, and loaded."""
    module, shape, _ = CASES[name]
    rng = np.random.default_rng(0)
    x = rng.integers(0, 11, (48, *shape)) if name == "attentive" else rng.normal(size=(48, *shape)).astype("float32")
    y = np.arange(48) % 3
    network = bl.from_onnx(
        from_torch(module.to(torch.float32), inputs(name, shape, torch.float32), tmp_path / "net.onnx")
    )
    run = bl.fit(network, x, y, epochs=20, optimizer=bl.Adam(0.02), seed=0)
    assert run.history["loss"][-1] < 0.9 * run.history["loss"][0]
    assert type(run.diagnose()).__name__ == "Diagnosis"
    probed = set(run.probes[-1]["layers"])
    assert any(path.endswith(("Conv", "Gemm")) or path.isdigit() for path in probed)
    svg = bl.draw(run.network).svg
    assert "Linear(" in svg
    assert "OnnxNode(Add" not in svg
    output = run.network.apply(tree.map(bl.tensor, run.network.params), x[:2])[0]
    assert len(bl.explain(output, np.ones(output.shape))) > 5
    folder = run.save(tmp_path / "run")
    loaded = bl.load(folder)
    assert loaded.network.architecture == run.network.architecture
    np.testing.assert_array_equal(loaded.predict_proba(x), run.predict_proba(x))


def test_names_of_the_file_are_kept(tmp_path: Path) -> None:
    network = bl.from_onnx(from_torch(Branched(), torch.zeros(2, 3, 8, 8), tmp_path / "net.onnx"))
    graph = network.architecture
    assert isinstance(graph, OnnxGraph)
    names = [name for name, _ in graph.parts()]
    assert names == ["input.permuted", "first.Conv", "Relu", "second.Conv", "ReduceMean", "head.Gemm"]
    assert [repr(layer) for _, layer, _ in graph.nodes if isinstance(layer, OnnxNode)] == ["OnnxNode(Add of 2)"]
