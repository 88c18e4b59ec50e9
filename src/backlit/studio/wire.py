"""Frames: a message with arrays as bytes, and back.

A frame is the header's length (uint32, little-endian), the header (the message as JSON in UTF-8, padded with spaces to
8 bytes), and the arrays' bytes. The header's `arrays` lists them: name, dtype ("f4", "i4", "u1"), shape, and offset
from the end of the header, a multiple of 8. Row-major, little-endian.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any

import numpy as np

from backlit.errors import InputError

DTYPES: dict[str, np.dtype[Any]] = {"f4": np.dtype("<f4"), "i4": np.dtype("<i4"), "u1": np.dtype("u1")}
ALIGNED = 8
MOST_AXES = 8
MOST_BYTES = 64 * 2**20  # of a frame
MOST_HEADER = 2**20
MOST_ARRAYS = 1000
HALF = re.compile("[\\ud800-\\udfff]")  # of a pair: no character, and UTF-8 has no bytes for it
ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def packed(message: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """A message with its arrays as one frame.

    Parameters
    ----------
    message : dict
        Plain data.
    arrays : dict of arrays
        Floats become float32, bytes stay, other whole numbers become int32.

    Examples
    --------
    >>> frame = packed({"type": "frame"}, {"curves": np.zeros((2, 2))})
    >>> message, arrays = unpacked(frame)
    >>> message, arrays["curves"].shape
    ({'type': 'frame'}, (2, 2))
    """
    entries, parts, offset = [], [], 0
    for name, array in arrays.items():
        kind = {"f": "f4", "u": "u1", "b": "u1"}.get(array.dtype.kind, "i4")
        data = np.ascontiguousarray(array, DTYPES[kind]).tobytes()
        entries.append({"name": name, "dtype": kind, "shape": list(array.shape), "offset": offset})
        parts.append(data + bytes(-len(data) % ALIGNED))
        offset += len(parts[-1])
    header = to_json({**message, "arrays": entries}).encode()
    header += b" " * (-(len(header) + 4) % ALIGNED)
    return struct.pack("<I", len(header)) + header + b"".join(parts)


def unpacked(frame: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The message and its arrays; the inverse of `packed`.

    Raises
    ------
    InputError
        If the bytes are no frame, or one that says of itself what isn't so.
    """
    if not 4 <= len(frame) <= MOST_BYTES:
        raise InputError(f"a frame must have 4 bytes to {MOST_BYTES >> 20} MiB, got {len(frame):,} bytes")
    (size,) = struct.unpack_from("<I", frame)
    if size > min(MOST_HEADER, len(frame) - 4):
        raise InputError(f"a frame's header must fit into it and 1 MiB, but has {size:,} bytes")
    message = from_json(frame[4 : 4 + size])
    entries = message.pop("arrays", None) if isinstance(message, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_ARRAYS:
        raise InputError("a frame's header must be an object with a list of arrays")
    return message, dict(_array(entry, frame, 4 + size) for entry in entries)


def _array(entry: Any, frame: bytes, start: int) -> tuple[str, np.ndarray]:
    try:
        name, offset = entry["name"], int(entry["offset"])
        shape = tuple(map(int, entry["shape"][: MOST_AXES + 1]))  # no more, or their product would take its time
        dtype = DTYPES[entry["dtype"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("an array of a frame needs name, shape, offset and dtype f4, i4 or u1") from error
    if len(shape) > MOST_AXES:
        raise InputError(f"an array of a frame can have at most {MOST_AXES} axes")
    count = math.prod(shape)
    if not isinstance(name, str) or min((*shape, offset)) < 0:
        raise InputError("an array of a frame needs a name, and no number below 0 in shape and offset")
    if start + offset + count * dtype.itemsize > len(frame):
        raise InputError(f"array {name[:40]!r} would end beyond the frame")
    return name, np.frombuffer(frame, dtype, count, start + offset).reshape(shape)


def to_json(message: Any) -> str:
    """Plain data as JSON; what isn't finite becomes null, for which JSON has no number."""
    return json.dumps(_finite(message), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(data: str | bytes) -> Any:
    """Plain data of JSON; half a surrogate pair, which no answer could repeat, becomes U+FFFD.

    Raises
    ------
    InputError
        If it isn't JSON, or nested too deeply.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        found = json.loads(text, parse_constant=lambda _: None)
        return _whole_characters(found) if ESCAPED_HALF.search(text) or HALF.search(text) else found
    except (ValueError, RecursionError) as error:
        raise InputError("a message must be JSON in UTF-8") from error


def _whole_characters(value: Any) -> Any:
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole_characters(part) for part in value]
    return HALF.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
