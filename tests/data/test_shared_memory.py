"""Arrays of other libraries become NumPy's without a copy, wherever that can be."""

import jax.numpy as jnp
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from backlit.data import as_arrays
from backlit.data.arrow import is_arrow, of_arrow
from backlit.errors import InputError, ShapeError

ROWS = np.arange(12, dtype=np.float32).reshape(6, 2)
FLAT = pa.array(ROWS.ravel())


class OnlyDLPack:
    """An array of a library that NumPy knows nothing of."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (torch.tensor(ROWS), lambda x: x.data_ptr()),
        (jnp.asarray(ROWS), lambda x: x.unsafe_buffer_pointer()),
        (OnlyDLPack(ROWS.copy()), lambda x: address(x.array)),
        (pa.FixedSizeListArray.from_arrays(FLAT, 2), lambda x: FLAT.buffers()[1].address),
        (pa.chunked_array([pa.FixedSizeListArray.from_arrays(FLAT, 2)]), lambda x: FLAT.buffers()[1].address),
        (pa.ListArray.from_arrays(np.arange(0, 13, 2, dtype=np.int32), FLAT), lambda x: FLAT.buffers()[1].address),
        (pa.Tensor.from_numpy(ROWS), lambda x: address(ROWS)),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(ROWS), lambda x: x.storage.flatten().buffers()[1].address),
        (pl.Series(ROWS), lambda x: address(x.to_numpy())),
    ],
    ids=lambda given: "" if callable(given) else type(given).__name__,
)
def test_memory_is_shared(given, place):
    array, names = as_arrays(given)
    np.testing.assert_array_equal(array, ROWS)
    assert names is None
    assert address(array) == place(given)


def test_a_table_of_one_column_is_shared_too():
    table = pa.table({"a": FLAT})
    array, names = as_arrays({"a": ROWS[:, 0]})
    assert np.shares_memory(array, ROWS)
    assert (array.shape, names) == ((6, 1), ["a"])
    assert as_arrays(table)[0].shape == (12, 1)


def test_arrow_in_pieces_with_offsets_or_of_tensors_has_the_values_of_pyarrows_lists():
    lists = pa.array([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [0, 1, 2]]], pa.list_(pa.list_(pa.int64())))
    np.testing.assert_array_equal(of_arrow(lists), lists.to_pylist())
    pieces = pa.chunked_array([lists[1:], lists])
    np.testing.assert_array_equal(of_arrow(pieces), pieces.to_pylist())
    fixed = pa.FixedSizeListArray.from_arrays(FLAT, 2)[2:5]
    np.testing.assert_array_equal(of_arrow(fixed), fixed.to_pylist())
    tensors = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(of_arrow(pa.FixedShapeTensorArray.from_numpy_ndarray(tensors)), tensors)
    np.testing.assert_array_equal(of_arrow(pa.chunked_array([pa.array([1.0]), pa.array([2.0])])), [1, 2])
    assert of_arrow(pa.chunked_array([], pa.float32())).shape == (0,)


def test_what_is_arrows_is_known():
    assert is_arrow(FLAT)
    assert is_arrow(pa.chunked_array([FLAT]))
    assert not any(map(is_arrow, (pa.table({"a": FLAT}), FLAT[0], ROWS, "a")))


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (pa.array([[1.0], [1.0, 2.0]]), ShapeError, "x: row 1 holds 2 values, the rows before 1: every row needs as"),
        (pa.array([[1.0], None]), InputError, "x: row 1 is missing; drop such rows"),
        (pa.array([[1.0], [None]]), InputError, "x: a number in its lists is missing"),
        (pa.array(["a", "b"]), InputError, "x: row 0 is 'a', no number"),
        (torch.ones(2, 2, requires_grad=True), InputError, "x can't be read as an array: .*detach"),
    ],
)
def test_what_can_be_no_array_is_told(given, kind, message):
    with pytest.raises(kind, match=message):
        as_arrays(given)
