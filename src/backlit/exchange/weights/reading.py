"""Files of weights: safetensors by themselves, PyTorch's through PyTorch, which runs none of what a pickle may hold."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import InputError, shown
from backlit.extras import need
from backlit.files import read_regular, saving

OWN = "backlit"  # the value of a file's "format": names and layouts are Backlit's
_INSIDE = ("state_dict", "model_state_dict", "model", "network")  # where checkpoints have the weights, beside others
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1",
    "BOOL": "?", "BF16": "<u2",
}  # fmt: skip


def tensors_of(source: Any) -> tuple[dict[str, np.ndarray], str, bool]:
    """Arrays by name, what to call the source in messages, and whether names and layouts are Backlit's own.

    Parameters
    ----------
    source : path, module, or mapping of name to array
        A file ending in .safetensors, .pt, .pth or .bin; or a state_dict, or what has one.

    Raises
    ------
    InputError
        If the file can't be read, is damaged, or holds something else than tensors.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.suffix == ".safetensors":
            tensors, metadata = read_safetensors(path)
            return tensors, str(path), metadata.get("format") == OWN
        if path.suffix in (".pt", ".pth", ".bin"):
            return _arrays(_unpickled(path), str(path)), str(path), False
        raise InputError(f"weights are read from .safetensors, .pt, .pth and .bin files, got {path}")
    if callable(getattr(source, "state_dict", None)):
        source = source.state_dict()
    if not isinstance(source, Mapping):
        raise InputError(f"weights come from a file or a state_dict, got {shown(source)}")
    tensors = _arrays(source, "the state_dict")
    return tensors, "the state_dict", any("/" in name for name in tensors)


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """A file's arrays, bfloat16 as float32, and its metadata."""
    from safetensors import SafetensorError, deserialize

    try:
        content = read_regular(path)
        parts = deserialize(content)
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path} is damaged or no safetensors file: {error}") from error
    return {name: _array(path, name, part) for name, part in parts}, metadata


def _array(path: Path, name: str, part: Mapping[str, Any]) -> np.ndarray:
    if part["dtype"] not in _TYPES:
        raise InputError(f"{path}: {name} is of type {part['dtype']}; there are {', '.join(_TYPES)}")
    array = np.frombuffer(part["data"], dtype=_TYPES[part["dtype"]]).reshape(part["shape"])
    return (array.astype("<u4") << 16).view("<f4") if part["dtype"] == "BF16" else array


def _unpickled(path: Path) -> Any:
    torch = need("torch", extra="torch", why=f"reading {path.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of pickles' protocols: what can't be read is told below
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds more than tensors, and reading that would run code from the file, so it isn't read; save "
            "module.state_dict() by torch.save or safetensors where the file comes from"
        ) from error
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is damaged or no file of PyTorch's: {error}") from error
    if isinstance(found, Mapping):
        found = next((found[name] for name in _INSIDE if isinstance(found.get(name), Mapping)), found)
    return found


def _arrays(found: Any, where: str) -> dict[str, np.ndarray]:
    """A state_dict's tensors as arrays; the prefix that a parallel module puts before all names goes."""
    if not isinstance(found, Mapping):
        raise InputError(f"{where} holds {type(found).__name__}, not tensors by name; save module.state_dict()")
    arrays = {}
    for name, value in found.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
        if (
            not isinstance(name, str)
            or not isinstance(value, (np.ndarray, np.generic))
            or value.dtype.kind not in "fiub"
        ):
            raise InputError(f"{where} must hold tensors by name, but {shown(name)} is {shown(value)}")
        arrays[name] = np.asarray(value)
    if arrays and all(name.startswith("module.") for name in arrays):
        return {name.removeprefix("module."): value for name, value in arrays.items()}
    return arrays


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write arrays, whole or not at all."""
    from safetensors.numpy import save

    content = save({name: np.array(array, order="C") for name, array in tensors.items()}, metadata)
    with saving(path) as temporary:
        temporary.write_bytes(content)
