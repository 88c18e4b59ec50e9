"""Weights from files into a network, and back: by names, with a map for those that differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.exchange.weights.layouts import LAYOUTS, Layout, write
from backlit.exchange.weights.order import Form, order_of, plan
from backlit.exchange.weights.reading import OWN, tensors_of, write_safetensors
from backlit.graph import tree
from backlit.nn.layer import Layer, Network
from backlit.nn.layers.encoding import PiecewiseLinear
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.rescale import Rescale
from backlit.nn.layers.sequence import Bidirectional
from backlit.nn.layers.transformer import MultiHeadAttention

Names = Mapping[str, str | Sequence[str] | None]
_RUNNING = "running:"  # before the names of running values in Backlit's own files
_WHOLE = (Bidirectional, MultiHeadAttention)  # containers that PyTorch has as one module
_FIXED = (Rescale, PiecewiseLinear)  # whose running values are settings


def load_weights(network: Network, source: Any, names: Names | None = None, keep: str | Sequence[str] = ()) -> Network:
    """The network with weights from a file or a state_dict.

    PyTorch's names are those of its modules, "0.weight"; a `Sequential` has the same. Others are told by `names`. How
    PyTorch lays out each kind of layer is known: channels first, two biases of recurrent layers, attention's
    "in_proj_weight", running statistics; and that a `Linear` behind a flattened picture has its columns in another
    order there. Files that `save_weights` wrote have Backlit's names, and need no map.

    Parameters
    ----------
    network : Network
    source : path, torch.nn.Module, or dict of arrays or tensors
        A file that ends in .safetensors; in .pt, .pth or .bin, which takes PyTorch, and is refused if it holds more
        than tensors; or a module's ``state_dict()``.
    names : dict, optional
        Names there, or their beginnings up to a dot, with the path here: ``{"encoder.fc1": "0", "head": "2"}``. Stars
        stand for what isn't a dot, and are filled in: ``{"blocks.*.fc": "*/body/0"}``. Several layers of a stacked
        recurrent module: ``{"lstm": ["0", "1"]}``. None leaves out what the network has no use for. The longest
        pattern that fits counts.
    keep : str or list of str
        Paths of layers or parameters here, or patterns of them, that stay as they are and needn't be there.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If weights are missing or left over, or have other shapes: all of them are listed. If the file is damaged.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Sequential(bl.Linear(2), bl.ReLU(), bl.Linear(1)).build((3,))
    >>> there = {"hidden.weight": np.ones((2, 3)), "hidden.bias": np.zeros(2), "out.weight": np.ones((1, 2))}
    >>> bl.load_weights(network, there, {"hidden": "0", "out": "2"})
    Traceback (most recent call last):
    backlit.errors.InputError: weights from the state_dict don't fit the network:
      missing: 2.bias (1,)
    say which is which by names={"there": "here"}, None for what isn't wanted, and by keep what stays
    >>> loaded = bl.load_weights(network, {**there, "out.bias": np.zeros(1)}, {"hidden": "0", "out": "2"})
    >>> loaded(np.ones((1, 3), "float32")).tolist()
    [[6.0]]
    """
    if not isinstance(network, Network):
        raise InputError(f"load_weights takes a network that was built, layer.build(shape), got {network!r}")
    tensors, where, own = tensors_of(source)
    renamed = _renamed(tensors, names or {})
    found = {name: tensors[was] for name, was in renamed.items()}
    report = _Report(where)
    params, state = dict(tree.items(network.params)), dict(network.state)
    patterns = (keep,) if isinstance(keep, str) else tuple(keep)
    stay = {path for path in (*params, *state) if _kept(path, patterns)}
    for pattern in patterns:
        if not any(_kept(path, (pattern,)) for path in (*params, *state)):
            raise InputError(f"load_weights: keep={pattern!r} fits nothing; there are {', '.join([*params, *state])}")
    units = _own_units(params, state) if own else _units(network, found)
    for unit in units:
        unit.take(found, stay, report, params, state)
    report.left_over += [f"{name} {tensors[was].shape}" for name, was in renamed.items() if name not in report.used]
    report.tell()
    nested = tree.nest(params) if params else {}
    return network.replace(params=tree.map(lambda _, leaf: leaf, network.params, nested), state=state)


def save_weights(network: Network, path: str | Path, form: str = "backlit") -> Path:
    """Write a network's weights and running values to a safetensors file.

    Parameters
    ----------
    network : Network
    path : str or Path
        Ends in .safetensors.
    form : "backlit" or "torch"
        Names and layouts: Backlit's own, or those of the module that `Network.to_torch` makes, for
        ``module.load_state_dict(safetensors.torch.load_file(path))``.

    Raises
    ------
    InputError
        If a layer has no counterpart in PyTorch, or the file can't be written.

    Examples
    --------
    >>> import backlit as bl, tempfile
    >>> network = bl.Sequential(bl.Conv1d(4, 3), bl.ReLU()).build((9, 2))
    >>> path = bl.save_weights(network, tempfile.mkdtemp() + "/weights.safetensors")
    >>> other = bl.load_weights(bl.Sequential(bl.Conv1d(4, 3), bl.ReLU()).build((9, 2), seed=1), path)
    >>> bool((other.params["0"]["weight"] == network.params["0"]["weight"]).all())
    True
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise InputError(f"save_weights writes safetensors files: name one that ends in .safetensors, got {path}")
    if form not in ("backlit", "torch"):
        raise InputError(f"save_weights: form must be 'backlit' or 'torch', got {form!r}")
    params, state = dict(tree.items(network.params)), network.state
    if form == "backlit":
        named = {**params, **{f"{_RUNNING}{name}": value for name, value in state.items()}}
        write_safetensors(path, {name: np.asarray(value) for name, value in named.items()}, {"format": OWN})
        return path
    units = _units(network, {})
    covered = {f"{unit.path}/{name}" if unit.path else name for unit in units for name in unit.params}
    if covered != set(params):
        raise InputError(f"save_weights: PyTorch has no names for {', '.join(sorted(set(params) - covered))}")
    tensors = {name: array for unit in units for name, array in unit.wanted().items()}
    write_safetensors(path, tensors, {"format": "pt"})
    return path


# ------------------------------------------------------------------------------------------ units


@dataclass
class _Report:
    """What doesn't fit, all of it."""

    where: str
    used: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)

    def tell(self) -> None:
        """Raise, if there is something."""
        parts = {"missing": self.missing, "not used": self.left_over, "other shapes": self.shapes}
        lines = [f"  {title}: {', '.join(items)}" for title, items in parts.items() if items]
        if lines:
            raise InputError(
                "\n".join([f"weights from {self.where} don't fit the network:", *lines])
                + '\nsay which is which by names={"there": "here"}, None for what isn\'t wanted, and by keep what stays'
            )


@dataclass(frozen=True)
class _Unit:
    """A layer whose values go from or to somebody else's names together."""

    path: str
    layer: Layer
    layout: Layout
    params: dict[str, Any]
    state: dict[str, Any]
    form: Form = "last"

    def wanted(self) -> dict[str, np.ndarray]:
        """Its values under the names there, with their path."""
        written = self.layout.write(self.layer, tree.nest(self.params) if self.params else {}, self.state)
        dotted = f"{self.path.replace('/', '.')}." if self.path else ""
        return {f"{dotted}{name}": self._in_order(np.asarray(array), back=True) for name, array in written.items()}

    def take(
        self, found: Mapping[str, Any], stay: set[str], report: _Report, params: dict[str, Any], state: dict[str, Any]
    ) -> None:
        """Put what was found in place of what is there, or report why not."""
        start = f"{self.path}/" if self.path else ""
        ours = {start + name for name in (*self.params, *self.state)}
        wanted = self.wanted()
        also = {name for name in wanted if name.rpartition(".")[2] in self.layout.also}
        report.used |= (set(wanted) & set(found)) | (also & set(found))
        if ours and ours <= stay:
            return
        missing = [name for name in wanted if name not in found and name not in also]
        report.missing += [f"{name} {wanted[name].shape}" for name in missing]
        wrong = [
            name for name in wanted if name in found and found[name].shape != wanted[name].shape and name not in also
        ]
        report.shapes += [f"{name} needs {wanted[name].shape}, got {found[name].shape}" for name in wrong]
        if missing or wrong:
            return
        dots = len(self.path) + 1 if self.path else 0
        values = {name[dots:]: self._in_order(found[name]) for name in wanted if name not in also}
        new_params, new_state = self.layout.read(self.layer, values)
        for target, new in ((params, tree.items(new_params)), (state, tree.items(new_state))):
            for name, leaf in new:
                if start + name not in stay:
                    target[start + name] = np.array(leaf, dtype=np.asarray(target[start + name]).dtype)

    def _in_order(self, array: np.ndarray, back: bool = False) -> np.ndarray:
        """Columns of a weight, or values by feature, behind a flattened picture."""
        if isinstance(self.form, str):
            return array
        order = order_of(self.form)
        order = np.argsort(order) if back else order
        if isinstance(self.layer, Linear):
            return array[:, order] if array.ndim == 2 and array.shape[1] == len(order) else array
        return array[order] if array.shape == order.shape else array


def _generic(names: Mapping[str, str], running: Mapping[str, str], fixed: tuple[str, ...] = ()) -> Layout:
    """Values as they are under other names; fixed ones, which are settings, are left where they are."""

    def read(layer: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
        params = {ours: tensors[theirs] for theirs, ours in names.items()}
        state = {ours: tensors[theirs] for theirs, ours in running.items() if theirs not in fixed}
        return tree.nest(params) if params else {}, state

    def written(layer: Any, params: Any, state: Mapping[str, Any]) -> dict[str, np.ndarray]:
        flat = dict(tree.items(params)) if params else {}
        values = {theirs: flat[ours] for theirs, ours in names.items()}
        return values | {theirs: state[ours] for theirs, ours in running.items()}

    return Layout(read, written, also=fixed)


def _own_units(params: Mapping[str, Any], state: Mapping[str, Any]) -> list[_Unit]:
    """All of a network as one, under Backlit's own names."""
    names = {path.replace("/", "."): path for path in params}
    running = {f"{_RUNNING}{path}".replace("/", "."): path for path in state}
    return [_Unit("", Linear(1), _generic(names, running), dict(params), dict(state))]


def _units(network: Network, found: Mapping[str, Any]) -> list[_Unit]:
    """A network's layers under PyTorch's names; what no layer covers goes by its path."""
    steps = plan(network.architecture, network.input_shape)
    params, state = dict(tree.items(network.params)), dict(network.state)
    units: list[_Unit] = []
    whole: list[str] = []
    for place in network.architecture.walk_shapes(network.input_shape):
        start = f"{place.path}/" if place.path else ""
        if any(place.path.startswith(path) for path in whole):
            continue
        own = {path[len(start) :]: params[path] for path in params if path.startswith(start)}
        running = {path[len(start) :]: state[path] for path in state if path.startswith(start)}
        layer = place.layer
        if not own and not running:
            continue
        if layer.parts() and not isinstance(layer, _WHOLE) and not _has(layer, start, own, found):
            continue
        if type(layer) in LAYOUTS:
            layout = LAYOUTS[type(layer)]
        else:
            kept = {} if layer.parts() else {name: name for name in running}
            fixed = tuple(kept) if isinstance(layer, _FIXED) else ()
            layout = _generic({name.replace("/", "_"): name for name in own}, kept, fixed)
        whole += [start] if layer.parts() else []
        form = steps[place.path].into if place.path in steps else "last"
        units.append(_Unit(place.path, layer, layout, own, running, form))
    return units


def _has(layer: Layer, start: str, own: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a container's own names, as of a whole Transformer's block, are there."""
    if type(layer) not in LAYOUTS:
        return False
    names = write(layer, tree.nest(dict(own)), {})
    return sum(f"{start.replace('/', '.')}{name}" in found for name in names) > len(names) / 2


# ------------------------------------------------------------------------------------------- names


def _renamed(tensors: Mapping[str, np.ndarray], names: Names) -> dict[str, str]:
    """Names there by the names that these tensors have here."""
    rules = {pattern: _rule(pattern) for pattern in sorted(names, key=len, reverse=True)}
    used: set[str] = set()
    renamed: dict[str, str] = {}
    for name in tensors:
        dotted = name.replace("/", ".")
        for pattern, rule in rules.items():
            match = rule.fullmatch(dotted)
            if match:
                used.add(pattern)
                dotted = _target(pattern, names[pattern], match) or ""
                break
        if dotted in renamed:
            raise InputError(f"load_weights: {renamed[dotted]} and {name} both become {dotted}")
        if dotted:
            renamed[dotted] = name
    if set(rules) - used:
        unfit = ", ".join(map(repr, sorted(set(rules) - used)))
        raise InputError(f"load_weights: names has {unfit}, which fits nothing; there are {', '.join(tensors)}")
    return renamed


def _rule(pattern: str) -> re.Pattern[str]:
    """A pattern of whole names, or of their beginnings up to a dot."""
    stars = [re.escape(part) for part in pattern.replace("/", ".").split("*")]
    return re.compile("([^.]+)".join(stars) + r"(?:\.(?P<rest>.+))?")


def _target(pattern: str, target: Any, match: re.Match[str]) -> str | None:
    """What a name becomes; None if it isn't wanted."""
    rest = match["rest"] or ""
    if target is None:
        return None
    if isinstance(target, (list, tuple)):
        stacked = re.fullmatch(r"(.+)_l(\d+)(_reverse)?", rest)
        if not stacked or int(stacked[2]) >= len(target):
            raise InputError(
                f"load_weights: names gives {len(target)} layers for {pattern!r}, but there is {match.string}; that is "
                "for stacked recurrent modules, a path for each layer"
            )
        target, rest = target[int(stacked[2])], f"{stacked[1]}_l0{stacked[3] or ''}"
    filled = str(target).replace("/", ".")
    stars = match.groups()[: pattern.count("*")]
    if filled.count("*") > len(stars):
        raise InputError(f"load_weights: names has more stars in {target!r} than in {pattern!r}")
    for star in stars:
        filled = filled.replace("*", star, 1)
    return ".".join(part for part in (filled, rest) if part)


def _kept(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) or path.startswith(f"{pattern}/") for pattern in patterns)
