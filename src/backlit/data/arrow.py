"""Arrow's arrays as NumPy's: the same memory wherever Arrow holds numbers, none missing, in one piece."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError


def is_arrow(x: Any) -> bool:
    """Whether something is an array of pyarrow's, in one piece or several, or a tensor."""
    return type(x).__module__.partition(".")[0] == "pyarrow" and hasattr(x, "type") and not hasattr(x, "as_py")


def of_arrow(x: Any, name: str = "x") -> np.ndarray:
    """An array of pyarrow's: numbers (rows,), or (rows, ...) where it holds lists of one length, or tensors.

    Parameters
    ----------
    x : pyarrow.Array, ChunkedArray or Tensor
    name : str
        What it is, for messages.

    Raises
    ------
    InputError
        If a list, or a number within one, is missing.
    ShapeError
        If lists differ in length; the row is named.

    Examples
    --------
    >>> import pyarrow as pa
    >>> of_arrow(pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2))
    array([[1., 2.],
           [3., 4.]])
    """
    import pyarrow as pa

    if isinstance(x, pa.Tensor):
        return x.to_numpy()
    if isinstance(x, pa.ChunkedArray):
        x = x.chunk(0) if x.num_chunks == 1 else x.combine_chunks()
        if isinstance(x, pa.ChunkedArray):  # of no rows
            x = pa.concat_arrays(x.chunks) if x.num_chunks else pa.array([], x.type)
    shape: list[int] = []
    inner: tuple[int, ...] = ()
    if isinstance(x, pa.ExtensionArray):
        inner = tuple(getattr(x.type, "shape", ()) or ())  # of a tensor that is kept flat
        x = x.storage
    rows = len(x)
    while pa.types.is_nested(x.type) and not pa.types.is_struct(x.type):
        x, size = _opened(x, name)
        shape.append(size)
    values = x.to_numpy(zero_copy_only=False)
    if shape and x.null_count:
        raise InputError(f"{name}: a number in its lists is missing; fill them in")
    if len(shape) == 1 and int(np.prod(inner, initial=1)) == shape[0] and inner:
        shape = list(inner)
    return values.reshape(rows, *shape) if shape else values


def _opened(x: Any, name: str) -> tuple[Any, int]:
    """What lists hold, one after another, and the length that all of them have."""
    import pyarrow as pa

    if x.null_count:
        row = int(np.argmax(x.is_null().to_numpy(zero_copy_only=False)))
        raise InputError(f"{name}: row {row} is missing; drop such rows, or fill them in")
    if pa.types.is_fixed_size_list(x.type):
        return x.flatten(), x.type.list_size
    lengths = x.value_lengths().to_numpy(zero_copy_only=False)
    if len(lengths) and (lengths != lengths[0]).any():
        row = int(np.argmax(lengths != lengths[0]))
        raise ShapeError(
            f"{name}: row {row} holds {lengths[row]} values, the rows before {lengths[0]}: every row needs as many; "
            "sequences of different length are filled up by bl.pad_sequences"
        )
    return x.flatten(), int(lengths[0]) if len(lengths) else 0
