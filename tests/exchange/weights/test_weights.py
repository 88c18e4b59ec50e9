"""Files of weights against PyTorch's own: names, layouts, maps, and everything that doesn't fit at once."""

import pickle
from copy import deepcopy as copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

import backlit as bl
from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.layer import Layer
from tests.exchange.torch.models import CASES as MODULES
from tests.exchange.torch.test_from_torch import shake
from tests.exchange.torch.test_to_torch import KINDS, drawn

PICTURES = bl.Sequential(
    bl.Conv2d(4, 3, padding=1),
    bl.BatchNorm(),
    bl.ReLU(),
    bl.MaxPool2d(2),
    bl.Flatten(),
    bl.Linear(6),
    bl.PReLU(),
    bl.Linear(3),
)


def pictures() -> nn.Module:
    """The same in PyTorch."""
    return shake(
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(4 * 3 * 2, 6), nn.PReLU(), nn.Linear(6, 3),
        )
    ).eval()  # fmt: skip


def saved(module: nn.Module, path: Path) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(module.state_dict(), path)
    else:
        torch.save(module.state_dict(), path)
    return path


@pytest.mark.parametrize("ending", [".safetensors", ".pt", ".pth"])
def test_a_file_of_pytorchs(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    module, x = pictures(), rng.normal(size=(5, 6, 4, 2))
    network = PICTURES.build((6, 4, 2), dtype="float64")
    loaded = bl.load_weights(network, saved(module, tmp_path / f"w{ending}"))
    expected = module(torch.tensor(np.moveaxis(x, -1, 1))).detach().numpy()
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-10, atol=1e-12)
    assert not np.allclose(network(x), expected)  # the one that was given stays


def test_state_dicts_modules_checkpoints_and_other_types(tmp_path: Path) -> None:
    module = pictures()
    network = PICTURES.build((6, 4, 2), dtype="float64")
    wanted = bl.load_weights(network, module)
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, tmp_path / "checkpoint.pt")
    parallel = {f"module.{name}": value.numpy() for name, value in module.state_dict().items()}
    for source in (module.state_dict(), tmp_path / "checkpoint.pt", parallel):
        found = bl.load_weights(network, source)
        for (path, leaf), (_, other) in zip(tree.items(found.params), tree.items(wanted.params), strict=True):
            np.testing.assert_array_equal(leaf, other, err_msg=path)
    short = {name: value.to(torch.bfloat16) for name, value in module.state_dict().items()}
    safetensors.torch.save_file(short, tmp_path / "short.safetensors")
    found = bl.load_weights(network.astype("float32"), tmp_path / "short.safetensors")
    np.testing.assert_array_equal(found.params["5"]["bias"], short["5.bias"].float().numpy())
    assert found.dtype == np.float32


# What stands between modules is named in PyTorch, too: those of containers that turn axes are told by a map.
NAMED = [
    (layer, shape)
    for layer, shape in KINDS
    if not isinstance(layer, (bl.Masked, bl.Residual, bl.Parallel, bl.Wired)) and layer.build(shape).params
]


@pytest.mark.parametrize(("layer", "shape"), NAMED, ids=lambda case: str(case)[:60])
def test_every_layers_names_are_those_of_its_module(
    layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, tmp_path: Path
) -> None:
    network = drawn(bl.Sequential(layer), shape, rng)
    blank = network.replace(params=tree.map(np.zeros_like, network.params))
    own = "Steps" in str(network.to_torch())  # a loop of our own, which isn't called as PyTorch's
    if not own and "_layer" not in str(list(network.to_torch().state_dict())):
        loaded = bl.load_weights(blank, network.to_torch())
        for (path, leaf), (_, other) in zip(tree.items(loaded.params), tree.items(network.params), strict=True):
            np.testing.assert_array_equal(leaf, other, err_msg=path)
        written = safetensors.torch.load_file(bl.save_weights(network, tmp_path / "t.safetensors", form="torch"))
        blank.to_torch().load_state_dict(written, strict=True)
    mine = bl.load_weights(blank, bl.save_weights(network, tmp_path / "w.safetensors"))
    for (path, leaf), (_, other) in zip(tree.items(mine.params), tree.items(network.params), strict=True):
        np.testing.assert_array_equal(leaf, other, err_msg=path)
    for path, value in network.state.items():
        np.testing.assert_array_equal(mine.state[path], value)


def test_maps_with_stars_stacks_and_what_is_not_wanted(rng: np.random.Generator) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(9, 3)
            self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
            self.blocks = nn.ModuleList([nn.ModuleDict({"fc": nn.Linear(8, 8)}) for _ in range(2)])
            self.aux, self.head = nn.Linear(8, 7), nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            y = self.lstm(self.words(x))[0]
            for block in self.blocks:
                y = y + block["fc"](y).tanh()
            return self.head(y)

    module = shake(Reader()).eval()
    both = bl.Bidirectional(bl.LSTM(4, return_sequences=True))
    block = bl.Residual(bl.Linear(8), bl.Tanh())
    network = bl.Sequential(
        bl.Embedding(9, 3), both, copy(both), bl.Sequential(block, copy(block)), bl.Linear(2)
    ).build((5,))
    names = {"words": "0", "lstm": ["1", "2"], "blocks.*.fc": "3/*/body/0", "aux": None, "head": "4"}
    loaded = bl.load_weights(network.astype("float64"), module, names)
    x = rng.integers(0, 9, (4, 5))
    np.testing.assert_allclose(loaded(x), module(torch.tensor(x)).detach().numpy(), rtol=1e-10, atol=1e-12)


def test_a_whole_transformers_layer(rng: np.random.Generator) -> None:
    for first in (True, False):
        module = shake(nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True, norm_first=first)).eval()
        block = bl.TransformerBlock(8, 2, 16, "relu", norm_first=first, dropout=0.1)
        network = bl.Sequential(block, bl.Linear(3)).build((5, 8), dtype="float64")
        loaded = bl.load_weights(network, module, {"*": "0/*"}, keep="1")
        x = rng.normal(size=(3, 5, 8))
        y, _ = loaded.architecture.layers[0](loaded.params["0"], x), None
        with torch.no_grad():
            np.testing.assert_allclose(y, module(torch.tensor(x)).numpy(), rtol=1e-9, atol=1e-10)
        assert loaded.params["1"]["weight"] is not None


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    there = pictures().state_dict()
    there["7.weight"] = torch.zeros(5, 6)
    there["0.weight"] = torch.zeros(4, 3, 3, 2)  # as Backlit has it, which isn't PyTorch's
    del there["5.bias"], there["1.running_var"]
    there["fc.weight"], there["fc.bias"] = torch.zeros(2, 2), torch.zeros(2)
    with pytest.raises(InputError) as caught:
        bl.load_weights(PICTURES.build((6, 4, 2)), there)
    assert str(caught.value).splitlines() == [
        "weights from the state_dict don't fit the network:",
        "  missing: 1.running_var (4,), 5.bias (6,)",
        "  not used: fc.weight (2, 2), fc.bias (2,)",
        "  other shapes: 0.weight needs (4, 2, 3, 3), got (4, 3, 3, 2), 7.weight needs (3, 6), got (5, 6)",
        'say which is which by names={"there": "here"}, None for what isn\'t wanted, and by keep what stays',
    ]


def test_a_body_alone_is_loaded_and_the_head_stays() -> None:
    network = PICTURES.build((6, 4, 2), dtype="float64").with_head(bl.Linear(9))
    with pytest.raises(InputError, match=r"other shapes: 7.weight needs \(9, 6\), got \(3, 6\), 7.bias"):
        bl.load_weights(network, pictures())
    loaded = bl.load_weights(network, pictures(), {"7": None}, keep="7")
    np.testing.assert_array_equal(loaded.params["7"]["weight"], network.params["7"]["weight"])
    assert not np.array_equal(loaded.params["5"]["weight"], network.params["5"]["weight"])


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("code was run",))


def test_pickles_are_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = bl.Sequential(bl.Linear(2)).build((3,))
    torch.save({"0.weight": Evil()}, tmp_path / "evil.pt")
    torch.save(nn.Linear(3, 2), tmp_path / "module.pth")
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pt", "module.pth", "plain.bin"):
        with pytest.raises(InputError, match="holds more than tensors, and reading that would run code"):
            bl.load_weights(network, tmp_path / name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.safetensors", "can't be read: No such file"),
        ("none.pt", "can't be read"),
        ("cut.safetensors", "is damaged or no safetensors file"),
        ("cut.pt", "is damaged or no file of PyTorch's"),
        ("weights.h5", "are read from .safetensors, .pt, .pth and .bin files"),
        ({"0.weight": "text"}, "must hold tensors by name, but '0.weight' is 'text'"),
        (3, "come from a file or a state_dict, got 3"),
    ],
)
def test_bad_sources(source: Any, message: str, tmp_path: Path) -> None:
    network = bl.Sequential(bl.Linear(2)).build((3,))
    whole = bl.save_weights(network, tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-5])
    torch.save({"a": torch.zeros(50)}, tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-300])
    with pytest.raises(InputError, match=message):
        bl.load_weights(network, tmp_path / source if isinstance(source, str) else source)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": {"encoder": "0"}}, "names has 'encoder', which fits nothing; there are 0.weight, 0.bias"),
        ({"names": {"0": "1", "1": "1"}}, "fits nothing|both become"),
        ({"names": {"0": ["0", "1"]}}, "that is for stacked recurrent modules"),
        ({"names": {"0": "*"}}, "more stars in '\\*' than in '0'"),
        ({"keep": "7"}, "keep='7' fits nothing; there are 0/weight, 0/bias"),
    ],
)
def test_bad_maps(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bl.load_weights(bl.Sequential(bl.Linear(2)).build((3,)), nn.Sequential(nn.Linear(3, 2)), **options)


def test_bad_saving(tmp_path: Path) -> None:
    network = bl.Sequential(bl.Linear(2)).build((3,))
    with pytest.raises(InputError, match=r"name one that ends in .safetensors, got .*w.pt"):
        bl.save_weights(network, tmp_path / "w.pt")
    with pytest.raises(InputError, match="form must be 'backlit' or 'torch', got 'keras'"):
        bl.save_weights(network, tmp_path / "w.safetensors", form="keras")
    with pytest.raises(InputError, match="can't be written"):
        bl.save_weights(network, tmp_path / "no" / "w.safetensors")
    with pytest.raises(InputError, match="load_weights takes a network that was built"):
        bl.load_weights(bl.Linear(2), {})  # type: ignore[arg-type]
    assert MODULES
