"""How PyTorch names the values of each kind of layer, and lays them out: one table, used in both directions.

Everything is in NumPy: reading a file of PyTorch's weights needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.nn.context import Params
from backlit.nn.layer import Layer
from backlit.nn.layers.activations import PReLU
from backlit.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from backlit.nn.layers.dropout import DropConnect
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.gru import GRU
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.lstm import LSTM
from backlit.nn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backlit.nn.layers.positions import PositionalEncoding
from backlit.nn.layers.recurrent import RNN
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.transformer import MultiHeadAttention, TransformerBlock

Tensors = dict[str, np.ndarray]
State = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """How PyTorch keeps what a kind of layer has learned.

    Attributes
    ----------
    read : callable (layer, tensors) -> (params, state)
    write : callable (layer, params, state) -> tensors
    also : tuple of str
        Names that PyTorch has and Backlit needs nothing of.
    """

    read: Callable[[Any, Mapping[str, np.ndarray]], tuple[Params, State]]
    write: Callable[[Any, Params, State], Tensors]
    also: tuple[str, ...] = ()


def _plain(**names: str) -> Layout:
    """The same arrays under other names: ``_plain(weight="scale")`` for PyTorch's weight."""

    def read(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
        return {ours: tensors[theirs] for theirs, ours in names.items() if theirs in tensors}, {}

    def write(layer: Any, params: Params, state: State) -> Tensors:
        return {theirs: params[ours] for theirs, ours in names.items() if ours in params}

    return Layout(read, write)


# ------------------------------------------------------------------------------------- single layers


def _read_conv(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    return {**tensors, "weight": np.moveaxis(tensors["weight"], 1, -1)}, {}


def _write_conv(layer: Any, params: Params, state: State) -> Tensors:
    return {**params, "weight": np.moveaxis(params["weight"], -1, 1)}


def _read_slope(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    return {"slope": tensors["weight"] if layer.by_feature else tensors["weight"].reshape(())}, {}


def _write_slope(layer: Any, params: Params, state: State) -> Tensors:
    return {"weight": np.reshape(params["slope"], -1)}


_SCALED = _plain(weight="scale", bias="bias")


def _read_layer_norm(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    params, _ = _SCALED.read(layer, tensors)
    if "scale" in params:  # bias=False is PyTorch's alone
        params.setdefault("bias", np.zeros_like(params["scale"]))
    return params, {}


def _read_batch_norm(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    return _SCALED.read(layer, tensors)[0], {"mean": tensors["running_mean"], "variance": tensors["running_var"]}


def _write_batch_norm(layer: Any, params: Params, state: State) -> Tensors:
    running = {"running_mean": state["mean"], "running_var": state["variance"]}
    return {**_SCALED.write(layer, params, state), **running, "num_batches_tracked": np.array(0, dtype=np.int64)}


# ----------------------------------------------------------------------------------- recurrent layers


def _read_recurrent(layer: Any, tensors: Mapping[str, np.ndarray], way: str = "") -> tuple[Params, State]:
    """PyTorch has two biases where one does; a GRU's candidate needs both."""
    params: Params = {"weight": tensors[f"weight_ih_l0{way}"], "recurrent": {"weight": tensors[f"weight_hh_l0{way}"]}}
    if layer.bias:
        inputs, states = tensors[f"bias_ih_l0{way}"], tensors[f"bias_hh_l0{way}"]
        if isinstance(layer, GRU):
            gates = 2 * layer.units
            params["recurrent"]["bias"] = states[gates:]
            states = np.concatenate([states[:gates], np.zeros_like(states[gates:])])
        params["bias"] = inputs + states
    if getattr(layer, "projection", 0):
        params["projection"] = {"weight": tensors[f"weight_hr_l0{way}"]}
    return params, {}


def _write_recurrent(layer: Any, params: Params, state: State, way: str = "") -> Tensors:
    tensors = {f"weight_ih_l0{way}": params["weight"], f"weight_hh_l0{way}": params["recurrent"]["weight"]}
    if layer.bias:
        bias = params["bias"]
        second = np.zeros_like(bias)
        if isinstance(layer, GRU):
            second = np.concatenate([second[: 2 * layer.units], params["recurrent"]["bias"]])
        tensors |= {f"bias_ih_l0{way}": bias, f"bias_hh_l0{way}": second}
    if "projection" in params:
        tensors[f"weight_hr_l0{way}"] = params["projection"]["weight"]
    return tensors


def _read_both_ways(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    ways = {"forward": "", "backward": "_reverse"}
    return {name: _read_recurrent(layer.body, tensors, way)[0] for name, way in ways.items()}, {}


def _write_both_ways(layer: Any, params: Params, state: State) -> Tensors:
    return {
        **_write_recurrent(layer.body, params["forward"], {}),
        **_write_recurrent(layer.body, params["backward"], {}, "_reverse"),
    }


# --------------------------------------------------------------------------------------- transformers

_ATTENTION = {"in_proj_weight": "qkv/weight", "in_proj_bias": "qkv/bias", "out_proj.weight": "out/weight"}
_ATTENTION |= {"out_proj.bias": "out/bias"}


def _nested(names: Callable[[Any], dict[str, str]]) -> Layout:
    """The same arrays under other names, where Backlit's are paths."""

    def read(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
        return tree.nest({ours: tensors[theirs] for theirs, ours in names(layer).items()}), {}

    def write(layer: Any, params: Params, state: State) -> Tensors:
        flat = dict(tree.items(params))
        return {theirs: flat[ours] for theirs, ours in names(layer).items()}

    return Layout(read, write)


def _attention_names(layer: Any) -> dict[str, str]:
    return {theirs: ours for theirs, ours in _ATTENTION.items() if layer.bias or not ours.endswith("bias")}


def _block_names(layer: Any) -> dict[str, str]:
    """Those of torch.nn.TransformerEncoderLayer."""
    first = int(layer.norm_first)
    attention = f"attention/body/{first}" if first or layer.dropout else "attention/body"
    second = first + (3 if layer.dropout else 2)
    names = {f"self_attn.{theirs}": f"{attention}/{ours}" for theirs, ours in _ATTENTION.items()}
    paths = {"linear1": f"dense/body/{first}", "linear2": f"dense/body/{second}"}
    names |= {f"{theirs}.{part}": f"{ours}/{part}" for theirs, ours in paths.items() for part in ("weight", "bias")}
    norms = ("attention/body/0", "dense/body/0") if first else ("norm1", "norm2")
    parts = {"weight": "scale"} | ({"bias": "bias"} if layer.norm == "layernorm" else {})
    return names | {f"norm{i + 1}.{theirs}": f"{norms[i]}/{ours}" for i in (0, 1) for theirs, ours in parts.items()}


_RECURRENT = Layout(_read_recurrent, _write_recurrent)
_DENSE = _plain(weight="weight", bias="bias")
_CONV = Layout(_read_conv, _write_conv)

LAYOUTS: dict[type[Layer], Layout] = {
    Linear: _DENSE,
    DropConnect: _DENSE,
    Embedding: _DENSE,
    Conv1d: _CONV,
    Conv2d: _CONV,
    ConvTranspose1d: _CONV,
    ConvTranspose2d: _CONV,
    PReLU: Layout(_read_slope, _write_slope),
    LayerNorm: Layout(_read_layer_norm, _SCALED.write),
    BatchNorm: Layout(_read_batch_norm, _write_batch_norm, also=("num_batches_tracked",)),
    RMSNorm: _plain(weight="scale"),
    PositionalEncoding: _DENSE,
    MultiHeadAttention: _nested(_attention_names),
    TransformerBlock: _nested(_block_names),
    RNN: _RECURRENT,
    LSTM: _RECURRENT,
    GRU: _RECURRENT,
    Bidirectional: Layout(_read_both_ways, _write_both_ways),
}


def read(layer: Layer, tensors: Mapping[str, np.ndarray]) -> tuple[Params, State]:
    """A layer's parameters and running values from PyTorch's arrays, by PyTorch's names within the module.

    Raises
    ------
    InputError
        If a name that the layer needs isn't there.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> params, _ = read(bl.Conv1d(4, 3), {"weight": np.zeros((4, 2, 3)), "bias": np.zeros(4)})
    >>> params["weight"].shape
    (4, 3, 2)
    """
    try:
        return LAYOUTS[type(layer)].read(layer, tensors)
    except KeyError as error:
        raise InputError(f"{layer} needs {error.args[0]}; there are {', '.join(tensors) or 'none'}") from error


def write(layer: Layer, params: Params, state: State) -> Tensors:
    """A layer's values as PyTorch names them and lays them out.

    Examples
    --------
    >>> import backlit as bl
    >>> {name: array.shape for name, array in write(bl.GRU(2), bl.GRU(2).build((5, 3)).params, {}).items()}
    {'weight_ih_l0': (6, 3), 'weight_hh_l0': (6, 2), 'bias_ih_l0': (6,), 'bias_hh_l0': (6,)}
    """
    return LAYOUTS[type(layer)].write(layer, params, state)
