"""Pictures and clips in NumPy's archives (.npz), with their labels."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files.packed import PART
from backlit.errors import InputError

LABELS = ("y", "label", "labels", "target", "targets", "class", "classes")
CHANNELS = (1, 3)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of an archive's arrays, by name, without reading them; nothing if it can't be read."""
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    version = np.lib.format.read_magic(file)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shapes[member.removesuffix(".npy")] = read(file)[0]
    except Exception:  # noqa: BLE001, a damaged file fails in a dozen ways, no two of one kind
        return {}
    return shapes


def holds_pictures(name: str) -> bool:
    """Whether an archive has an array of pictures or clips: (rows, height, width, channels), with time before, ..."""
    path = Path(name.partition(PART)[0])
    return path.suffix.lower() == ".npz" and path.is_file() and any(len(s) >= 4 for s in _shapes(path).values())


def read_arrays(path: Path, label: str | None = None, *, labelled: bool = True) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures (rows, height, width, channels) or clips (rows, time, height, width, channels) as bytes, and labels.

    An array of four axes is of pictures if the last has 1 or 3 places, else of grey clips.

    Parameters
    ----------
    path : path
    label : str, optional
        The array of labels; by default the one of as many rows, or that which is called y, labels or the like.
    labelled : bool
        Whether there must be labels.

    Raises
    ------
    InputError
        If there is no such array, or values are neither bytes, nor from 0 to 1, nor from 0 to 255.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged file fails in a dozen ways, no two of one kind
        raise InputError(f"{path} can't be read as .npz: {error}") from error
    many = [name for name, array in arrays.items() if array.ndim >= 4]
    if len(many) != 1 or arrays[many[0]].ndim > 5:
        told = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{path}: expected one array of pictures or clips with four or five axes, got {told}")
    pixels = arrays.pop(many[0])
    if pixels.ndim == 4 and pixels.shape[-1] not in CHANNELS:
        pixels = pixels[..., None]
    if pixels.shape[-1] not in CHANNELS:
        raise InputError(f"{path}, array {many[0]!r}: expected 1 or 3 channels last, got {pixels.shape}")
    return _bytes(pixels, f"{path}, array {many[0]!r}"), _labels(arrays, len(pixels), path, label, labelled)


def _labels(arrays: dict[str, np.ndarray], rows: int, path: Path, label: str | None, needed: bool) -> np.ndarray | None:
    candidates = [name for name, array in arrays.items() if array.shape == (rows,)]
    named = [label] if label else [name for name in candidates if name.lower() in LABELS] or candidates
    if len(named) == 1 and named[0] in candidates:
        labels: Any = arrays[named[0]]
        return np.asarray([str(value) for value in labels.tolist()])
    if not needed and label is None:
        return None
    there = ", ".join(candidates) or "none"
    raise InputError(f"{path}: expected one array of labels ({rows},), got {there}; name it with --target")


def _bytes(pixels: np.ndarray, where: str) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"{where}: expected numbers, got {pixels.dtype}")
    low, high = (float(bound) for bound in (pixels.min(initial=0), pixels.max(initial=0)))
    if not (low >= 0 and high <= 255):
        raise InputError(f"{where}: expected values from 0 to 1 or from 0 to 255, got {low:g} to {high:g}; scale them")
    scale = 255.0 if pixels.dtype.kind in "bf" and high <= 1 else 1.0
    return np.rint(pixels.astype(np.float64) * scale).astype(np.uint8)
