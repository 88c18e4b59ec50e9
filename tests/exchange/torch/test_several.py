"""PyTorch modules of several inputs and outputs: names, outputs and gradients in float64, and back."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer, Network, forward
from tests.exchange.torch.test_from_torch import shake
from tests.exchange.torch.test_to_torch import drawn
from tests.nn.common import weighing

Axes = tuple[int, ...]


class Answer(NamedTuple):
    first: Any
    second: Any


class TrunkAndHeads(nn.Module):
    """A picture, a table and a text; what it returns is made by `form`."""

    def __init__(self, form: Any = lambda kind, price: (kind, price)) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten())
        self.table = nn.Embedding(7, 3)
        self.read = nn.GRU(3, 4, batch_first=True)
        self.trunk = nn.Linear(3 * 2 * 3 + 3 + 4, 5)
        self.again = nn.Linear(5, 5)
        self.kind = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
        self.price = nn.Linear(8, 1)
        self.form = form

    def forward(self, image: Any, meta: Any, words: Any, scale: float = 1.0) -> Any:
        read, _ = self.read(self.table(words))
        both = torch.cat([self.look(image), meta, read[:, -1]], dim=1)
        trunk = torch.tanh(self.trunk(both))
        trunk = trunk + self.again(trunk)
        return self.form(self.kind(trunk), self.price(torch.cat([trunk, meta], dim=1)))


class TakesADict(nn.Module):
    """Lines and a table; an output that others use, and one that keeps its channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(3, 3)
        self.line = nn.Conv1d(2, 3, 2)

    def forward(self, batch: Any) -> Any:
        line, dense = torch.relu(self.line(batch["line"])), self.dense(batch["meta"])
        return {"line": line, "sum": dense + line.amax(dim=2), "dense": dense}


class TimeFirst(nn.Module):
    """A sequence with the batch as its second axis, and a batch of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.GRU(2, 3)
        self.dense = nn.Linear(4, 3)

    def forward(self, words: Any, *, meta: Any) -> Any:
        return self.read(words)[0][-1] + self.dense(meta)


def called(module: nn.Module, inputs: dict[str, torch.Tensor]) -> Any:
    return module(inputs) if isinstance(module, TakesADict) else module(**inputs)


def rows(network: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Five rows for each input."""
    whole = network.architecture.takes_integers_at
    shapes = {name: (5, *shape) for name, shape in network.input_shape.items()}
    return {name: rng.integers(0, 7, s) if whole(name) else rng.normal(size=s) for name, s in shapes.items()}


def ours(part: np.ndarray, axes: Axes | None) -> np.ndarray:
    """An array of PyTorch's with its axes in Backlit's order."""
    return np.transpose(part, axes or range(part.ndim))


def theirs(x: dict[str, np.ndarray], axes: dict[str, Axes]) -> dict[str, torch.Tensor]:
    """Arrays by name as tensors with their axes in PyTorch's order."""
    order = {name: np.argsort(axes.get(name, range(part.ndim))) for name, part in x.items()}
    return {name: torch.tensor(np.transpose(part, order[name]).copy()) for name, part in x.items()}


def compare(network: Network, module: nn.Module, x: Any, axes: dict[str, Axes], outs: dict[str, Axes]) -> Network:
    """Outputs, gradients by the inputs, and a step against those by the parameters: the network after it.

    `axes` and `outs` are PyTorch's axes in Backlit's order, where they aren't the same.
    """
    given = {name: part.requires_grad_(part.is_floating_point()) for name, part in theirs(x, axes).items()}
    expected = called(module, given)
    expected = expected._asdict() if hasattr(expected, "_asdict") else expected
    names = network.output_names or ("output",)
    parts = expected.values() if isinstance(expected, dict) else expected
    expected = dict(zip(names, [parts] if isinstance(parts, torch.Tensor) else parts, strict=True))
    expected = {name: part.permute(*outs.get(name, range(part.dim()))) for name, part in expected.items()}
    real = {name: part for name, part in x.items() if part.dtype.kind == "f"}

    def weighted(params: Any, real: Any) -> Any:
        made, _ = forward(network.architecture, network.input_shape, params, {**x, **real}, state=network.state)
        made = made if network.output_names else {"output": made}
        return sum((made[name] * weighing(made[name].shape)).sum() for name in names), made

    (_, made), (by_params, by_inputs) = bl.value_and_grad(weighted, (0, 1), has_aux=True)(network.params, real)
    for name in names:
        np.testing.assert_allclose(made[name], expected[name].detach().numpy(), rtol=1e-9, atol=1e-10, err_msg=name)
    module.zero_grad()
    sum((part * torch.tensor(weighing(tuple(part.shape)))).sum() for part in expected.values()).backward()
    for name, gradient in by_inputs.items():
        wanted = ours(given[name].grad.numpy(), axes.get(name))
        np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-9, err_msg=name)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "bias_hh" in name:  # a GRU's, of which Backlit has the candidate's alone
                parameter.grad[: 2 * len(parameter) // 3] = 0
            parameter -= 1e-3 * parameter.grad
    return network.replace(params=tree.map(lambda p, g: p - 1e-3 * g, network.params, by_params))


TABLES = {"image": torch.zeros(2, 2, 4, 3), "meta": torch.zeros(2, 3), "words": torch.zeros(2, 4, dtype=torch.long)}
LINES = {"line": torch.zeros(2, 2, 4), "meta": torch.zeros(2, 3)}
PICTURE, LINE = (0, 2, 3, 1), (0, 2, 1)
FROM: list[tuple[Any, Any, dict[str, Axes], tuple[str, ...]]] = [
    (TrunkAndHeads, tuple(TABLES.values()), {"image": PICTURE}, ("kind", "price")),
    (
        lambda: TrunkAndHeads(lambda kind, price: {"which": kind, "cost": price}),
        TABLES,
        {"image": PICTURE},
        ("which", "cost"),
    ),
    (lambda: TrunkAndHeads(Answer), TABLES, {"image": PICTURE}, ("first", "second")),
    (
        lambda: TrunkAndHeads(lambda kind, price: (torch.softmax(kind, -1), price)),
        TABLES,
        {"image": PICTURE},
        ("output_0", "output_1"),
    ),
    (TakesADict, LINES, {"line": LINE}, ("line", "sum", "dense")),
    (TimeFirst, {"words": torch.zeros(6, 2, 2), "meta": torch.zeros(2, 4)}, {"words": (1, 0, 2)}, ()),
]


@pytest.mark.parametrize(("make", "example", "axes", "names"), FROM)
def test_modules_become_networks(make: Any, example: Any, axes: Any, names: Any, rng: np.random.Generator) -> None:
    module = shake(make()).eval()
    network = bl.from_torch(module, example)
    assert network.dtype == np.float64
    assert network.output_names == names
    assert network.input_names == (tuple(example) if isinstance(example, dict) else ("image", "meta", "words"))
    stepped = compare(network, module, rows(network, rng), axes, {"line": LINE} if "line" in names else {})
    again = bl.from_torch(module, example)
    for (path, leaf), (_, wanted) in zip(tree.items(again.params), tree.items(stepped.params), strict=True):
        np.testing.assert_allclose(leaf, wanted, rtol=1e-9, atol=1e-12, err_msg=path)


def test_what_it_becomes() -> None:
    network = bl.from_torch(TrunkAndHeads(), tuple(TABLES.values()))
    assert network.input_names == ("image", "meta", "words")
    assert dict(network.architecture.nodes).keys() == {"look_0", "table", "trunk", "kind", "price"}
    assert network.architecture.sources("trunk") == ["look_0", "meta", "table"]


def pictures(way: str) -> Layer:
    """A picture is flattened for one node alone; others come out."""
    nodes = {"a": bl.Conv2d(2, 2), "b": bl.Conv2d(2, 2), "sum": bl.MaxPool2d(1), "flat": bl.Flatten()}
    edges = [
        ("x", "a"),
        ("y", "b"),
        ("a", "sum"),
        ("b", "sum"),
        ("sum", "flat"),
        ("flat", "dense"),
        ("flat", "numbers"),
    ]
    return bl.Wired(
        {**nodes, "dense": bl.Linear(3)},
        [*edges, ("a", "both"), ("b", "both")],
        {"sum": way, "both": "concatenate"},
        inputs=("x", "y"),
        outputs=("sum", "dense", "numbers", "both"),
    )


GIVEN = {"sum": PICTURE, "both": PICTURE}
WHOLE: list[tuple[Layer, Any, dict[str, Axes], dict[str, Axes]]] = [
    (
        bl.Wired(
            {
                "look": bl.Sequential(bl.Conv2d(3, 2), bl.BatchNorm(), bl.ReLU(), bl.Flatten()),
                "read": bl.Sequential(bl.Embedding(7, 3), bl.GRU(4)),
                "listen": bl.GRU(2),
                "trunk": bl.Sequential(bl.Linear(5), bl.Tanh()),
                "kind": bl.Linear(3),
                "price": bl.Linear(1),
            },
            [
                ("image", "look"), ("words", "read"), ("sound", "listen"), ("look", "trunk"), ("read", "trunk"),
                ("listen", "trunk"), ("meta", "trunk"), ("trunk", "kind"), ("trunk", "price"), ("look", "price"),
            ],
            "concatenate",
            inputs=("image", "meta", "words", "sound"),
            outputs=("kind", "price"),
        ),
        {"image": (4, 3, 2), "meta": (3,), "words": (4,), "sound": (5, 2)},
        {"image": PICTURE},
        {},
    ),
    (pictures("weighted"), {"x": (4, 3, 2), "y": (4, 3, 2)}, {"x": PICTURE, "y": PICTURE}, GIVEN),
    (pictures("mean"), {"x": (4, 3, 2), "y": (4, 3, 2)}, {"x": PICTURE, "y": PICTURE}, GIVEN),
    (  # lines for a convolution and a recurrent layer, added; a head after all
        bl.Sequential(
            bl.Wired(
                {"a": bl.Conv1d(2, 1), "b": bl.GRU(2, return_sequences=True)},
                [("x", "a"), ("y", "b"), ("a", "output"), ("b", "output")],
                inputs=("x", "y"),
            ),
            bl.Select(-1),
            bl.Linear(2),
        ),
        {"x": (4, 3), "y": (4, 3)},
        {"x": LINE},
        {},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "axes", "outs"), WHOLE)
def test_networks_become_modules(layer: Layer, shape: Any, axes: Any, outs: Any, rng: np.random.Generator) -> None:
    network = drawn(layer, shape, rng)
    module = network.to_torch()
    x = rows(network, rng)
    stepped = compare(network, module if isinstance(layer, bl.Wired) else OfADict(module), x, axes, outs)
    given = theirs(x, axes)
    moved, expected = module(given), stepped(x)
    for name in network.output_names or ("",):
        made = (moved[name] if name else moved).detach().numpy()
        np.testing.assert_allclose(
            ours(made, outs.get(name)), expected[name] if name else expected, rtol=1e-8, atol=1e-9
        )
    if "weighted" in repr(layer):
        return  # products aren't taken over
    back = bl.from_torch(module, given)
    assert (set(back.input_names), back.output_names) == (set(network.input_names), network.output_names)
    again = back(x)
    for name in network.output_names or ("",):
        np.testing.assert_allclose(again[name] if name else again, expected[name] if name else expected, rtol=1e-9)


class OfADict(nn.Module):
    """A chain that begins with a module of several inputs takes them as a dict alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, **inputs: Any) -> Any:
        return self.module(inputs)


def test_a_module_takes_tensors_in_order_by_name_and_as_a_dict() -> None:
    layer = bl.Wired({"a": bl.Linear(2)}, [("x", "a"), ("y", "a")], inputs=("x", "y"), outputs=("a",))
    module = layer.build({"x": (3,), "y": (3,)}).to_torch()
    x, y = torch.ones(2, 3), torch.zeros(2, 3)
    for given in (module(x, y), module(y=y, x=x), module(x, y=y), module({"y": y, "x": x})):
        assert torch.equal(given["a"], module(x, y)["a"])
    assert not torch.equal(module(y, y)["a"], module(x, y)["a"])
    for arguments, message in [
        ((x,), "missing 'y'"),
        ((x, y, x), "takes x, y, got 3 tensors"),
        (({"x": x, "z": y},), "unknown 'z'"),
    ]:
        with pytest.raises(InputError, match=message):
            module(*arguments)


def test_one_part_is_one_input() -> None:
    x = torch.zeros(2, 4)
    for example in (x, (x,), {"input": x}):
        network = bl.from_torch(nn.Linear(4, 3), example)
        assert (network.input_shape, network.output_shape) == ((4,), (3,))


def test_weights_go_to_files_and_back(rng: np.random.Generator, tmp_path: Path) -> None:
    """In PyTorch's order where a picture is flattened."""
    layer, shape, *_ = WHOLE[0]
    network, other = drawn(layer, shape, rng), layer.build(shape, seed=1, dtype="float64")
    bl.save_weights(network, tmp_path / "weights.safetensors", form="torch")
    loaded = bl.load_weights(other, tmp_path / "weights.safetensors")
    for (path, leaf), (_, wanted) in zip(tree.items(loaded.params), tree.items(network.params), strict=True):
        np.testing.assert_array_equal(leaf, wanted, err_msg=path)


X = torch.zeros(2, 4)


class Crossed(nn.Module):
    """Connections that cross, between modules of a module, in front of two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleDict({name: nn.Linear(4, 4) for name in "abc"})
        self.kind, self.price = nn.Linear(4, 2), nn.Linear(6, 1)

    def forward(self, x: Any, y: Any) -> Any:
        a = self.inner["a"](x)
        b = self.inner["b"](a)
        kind = self.kind(a + b + self.inner["c"](a + b))
        return kind, self.price(torch.cat([kind, y], dim=1))


def test_connections_that_cross_go_there_and_back(rng: np.random.Generator) -> None:
    network = bl.from_torch(shake(Crossed()), (X, X))
    assert repr(network.architecture.nodes[0]) == (
        "('kind', Sequential(Linear(4), Wired(4 nodes, 8 edges, combine='sum'), Linear(2)))"
    )
    compare(network, network.to_torch(), rows(network, rng), {}, {})


class Two(nn.Module):
    def __init__(self, f: Any) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.f = f

    def forward(self, x: Any, y: Any) -> Any:
        return self.f(self.a, x, y)


@pytest.mark.parametrize(
    ("module", "example", "message"),
    [
        (Two(lambda a, x, y: a(x)), (X, X), "the input 'y' leads to no output: take it out"),
        (Two(lambda a, x, y: a(x) + a(y)), (X, X), r"'a' \(Linear\).*its weight is used a second time"),
        (Two(lambda a, x, y: a(x) + y), (X, X, X), "forward takes x, y; the example has 3 parts"),
        (Two(lambda a, x, y: a(x) + y), {"x": X, "z": X}, "forward takes x, y; the example has 'z', too"),
        (Two(lambda a, x, y: (a(x), torch.relu(y))), (X, torch.zeros(3, 4)), "one number of rows, got 'x' 2, 'y' 3"),
        (
            Two(lambda a, x, y: (a(x), None)),
            (X, X),
            "or a tuple or dict of tensors; Two gives tuple of Tensor, NoneType",
        ),
        (Two(lambda a, x, y: {"u": (a(x), y)}), (X, X), "Two gives dict of tuple of Tensor, Tensor"),
    ],
)
def test_what_cannot_be_taken_over_is_told(module: Any, example: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bl.from_torch(module, example)


def test_ensembles_of_several_outputs_are_refused() -> None:
    members = [bl.Wired({"a": bl.Linear(2), "b": bl.Linear(1)}, [("input", "a"), ("input", "b")], outputs=("a", "b"))
               for _ in range(2)]  # fmt: skip
    with pytest.raises(InputError, match="networks of several outputs aren't put together in PyTorch"):
        bl.Parallel(*members, combine="mean").build((3,)).to_torch()
