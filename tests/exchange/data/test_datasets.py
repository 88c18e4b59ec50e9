"""Data sets of Hugging Face, PyTorch and Keras, and what is read like them: the library's own values, or why not."""

import datasets
import keras
import numpy as np
import pytest
import torch
from datasets import ClassLabel, DatasetDict, Features, Image, List, Value
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import backlit as bl
from backlit.errors import InputError, ShapeError, UnknownNameError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
CODES = (X[:, 0] > 0).astype(np.int64)
NAMES = ["아니요", "yes"]
FIT = {"engine": "numpy", "progress": False, "epochs": 3}
NET = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2))


def vectors(rows=40, **more):
    columns = {"v": X[:rows].tolist(), "label": CODES[:rows].tolist(), **{name: part[0] for name, part in more.items()}}
    features = {"v": List(Value("float32"), length=3), "label": ClassLabel(names=NAMES)}
    return datasets.Dataset.from_dict(columns, Features(features | {name: part[1] for name, part in more.items()}))


def pictures(sizes, labels=None):
    made = [np.full((*size, 3), 200 * (i % 2) + i, np.uint8) for i, size in enumerate(sizes)]
    labels = [i % 2 for i in range(len(sizes))] if labels is None else labels
    return datasets.Dataset.from_dict(
        {"image": made, "label": labels}, Features({"image": Image(), "label": ClassLabel(names=NAMES)})
    )


class Mapped(torch.utils.data.Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        if isinstance(self.items[row], Exception):
            raise self.items[row]
        return self.items[row]


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.ones(3), 1


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, number):
        part = slice(10 * number, 10 * number + 10)
        return X[part], CODES[part]


class Spec:
    def __init__(self, *shape):
        self.shape = shape


class LikeTensorFlow:
    """Iterated, with specs of its elements, as `tf.data.Dataset` is."""

    def __init__(self, batches):
        self.batches = batches
        self.element_spec = (Spec(None, 3), Spec(None)) if batches else (Spec(3), Spec())

    def __len__(self):
        return 4 if self.batches else 40

    def __iter__(self):
        if self.batches:
            yield from zip(np.split(X, 4), np.split(CODES, 4), strict=True)
        else:
            yield from zip(X, CODES, strict=True)


# ----------------------------------------------------------------------------------------------- values


def test_hugging_faces_columns_are_arrows_memory_and_classes_their_names():
    dataset = vectors()
    x, y = bl.from_dataset(dataset)
    np.testing.assert_array_equal(x, X)
    assert y.tolist() == [NAMES[code] for code in CODES]
    held = dataset.data.table.column("v").chunk(0).flatten().buffers()[1]
    assert held.address <= x.__array_interface__["data"][0] < held.address + held.size


def test_a_shuffled_and_filtered_data_set_is_read_as_it_is_now():
    dataset = vectors().shuffle(seed=1).filter(lambda row: row["label"] == 1)
    x, y = bl.from_dataset(dataset)
    np.testing.assert_array_equal(x, np.array(dataset["v"], "float32"))
    assert set(y) == {"yes"}


@pytest.mark.parametrize(
    "dataset",
    [
        TensorDataset(torch.tensor(X), torch.tensor(CODES)),
        DataLoader(TensorDataset(torch.tensor(X), torch.tensor(CODES)), batch_size=7),
        DataLoader(TensorDataset(torch.tensor(X), torch.tensor(CODES)), batch_size=None),
        Mapped([(torch.tensor(row), int(code)) for row, code in zip(X, CODES, strict=True)]),
        Mapped([{"x": row, "label": code} for row, code in zip(X, CODES, strict=True)]),
        DataLoader(Mapped([{"x": row, "y": code} for row, code in zip(X, CODES, strict=True)]), batch_size=16),
        Batches(),
        LikeTensorFlow(batches=True),
        LikeTensorFlow(batches=False),
        vectors().with_format("torch"),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_rows_are_those_of_the_data_set_in_their_order(dataset):
    x, y = bl.from_dataset(dataset)
    np.testing.assert_array_equal(x, X)
    codes = y if y.dtype.kind == "i" else [NAMES.index(name) for name in y]
    np.testing.assert_array_equal(codes, CODES)


def test_the_tensors_of_a_tensor_dataset_are_not_copied():
    tensors = torch.tensor(X), torch.tensor(CODES)
    x, y = bl.from_dataset(TensorDataset(*tensors))
    assert x.__array_interface__["data"][0] == tensors[0].data_ptr()
    assert y.__array_interface__["data"][0] == tensors[1].data_ptr()


def test_as_many_rows_as_are_asked_for():
    assert bl.from_dataset(Endless(), rows=5)[0].shape == (5, 3)
    assert bl.from_dataset(DataLoader(Endless(), batch_size=4), rows=6)[0].shape == (6, 3)
    assert bl.from_dataset(vectors().to_iterable_dataset(), rows=7)[1].tolist() == [NAMES[c] for c in CODES[:7]]
    assert bl.from_dataset(Batches(), rows=12)[1].tolist() == CODES[:12].tolist()
    assert len(bl.from_dataset(vectors(), rows=3)[1]) == 3


def test_several_inputs_are_a_dict():
    items = [{"left": row[:1], "right": row[1:], "target": float(code)} for row, code in zip(X, CODES, strict=True)]
    x, y = bl.from_dataset(Mapped(items))
    assert {name: part.shape for name, part in x.items()} == {"left": (40, 1), "right": (40, 2)}
    assert bl.from_dataset(Mapped(items), inputs="right")[0].shape == (40, 2)
    assert y.dtype == np.float64
    nested = [({"a": row}, code) for row, code in zip(X, CODES, strict=True)]
    assert bl.from_dataset(Mapped(nested))[0].shape == (40, 3)


def test_pictures_become_bytes_with_channels_last():
    x, _ = bl.from_dataset(pictures([(5, 4)] * 3))
    assert (x.shape, x.dtype) == ((3, 5, 4, 3), np.uint8)
    assert x[:, 0, 0, 0].tolist() == [0, 201, 2]
    first = TensorDataset(torch.zeros(2, 3, 5, 4), torch.tensor([0, 1]))
    assert bl.from_dataset(first, channels_first=True)[0].shape == (2, 5, 4, 3)


# ----------------------------------------------------------------------------------------------- fitting


@pytest.mark.parametrize("dataset", [vectors(), DataLoader(vectors().with_format("torch"), batch_size=8)])
def test_fitting_a_data_set_is_fitting_its_arrays(dataset):
    run = bl.fit(NET, dataset, **FIT)
    x, y = bl.from_dataset(dataset)
    assert run.history["loss"] == bl.fit(NET, x, y, **FIT).history["loss"]


def test_columns_of_hugging_face_are_taken_as_lists():
    dataset = vectors()
    run = bl.fit(NET, dataset["v"], dataset["label"], **FIT)
    assert run.history["loss"] == bl.fit(NET, X, CODES, **FIT).history["loss"]
    np.testing.assert_array_equal(run.predict(dataset["v"]), run.predict(X))


def test_the_validation_part_of_a_dict_is_the_validation():
    parts = DatasetDict(train=vectors(30), validation=vectors(10), test=vectors(5))
    run = bl.fit(NET, parts, **FIT)
    x, y = bl.from_dataset(parts["train"])
    alone = bl.fit(NET, x, y, validation=bl.from_dataset(parts["validation"]), **FIT)
    assert run.history["val_loss"] == alone.history["val_loss"]
    assert "val_loss" not in bl.fit(NET, DatasetDict(train=vectors(30)), **FIT).history[-1]


def test_a_table_of_hugging_face_is_a_table():
    table = (
        vectors(colour=(["red", "blue"] * 20, Value("string"))).remove_columns("v").add_column("a", X[:, 0].tolist())
    )
    parts = DatasetDict(train=table.select(range(30)), test=table.select(range(30, 40)))
    run = bl.fit(parts, target="label", network="mlp:4", ensemble=1, **FIT)
    assert run.judgement["rows"] == 10
    assert [each.name for each in run.judgement.classes] == sorted(NAMES)
    assert run.predict({"colour": ["red"], "a": [0.5]}).shape == (1,)
    hidden = parts["test"].map(lambda row: {"label": -1})  # as competitions have it
    run = bl.fit(DatasetDict(train=table, test=hidden), target="label", network="mlp:4", ensemble=1, **FIT)
    assert run.judgement["parts"]["training"] + run.judgement["parts"]["validation"] < 40


def test_pictures_of_any_size_are_learned_from(tmp_path):
    dataset = pictures([(8 + i % 3, 9) for i in range(30)])
    run = bl.fit_pictures(dataset, network="cnn:4", **FIT)
    assert sorted(run.judgement["parts"].values()) == [4, 5, 21]
    assert run.network.input_shape == (9, 9, 1)  # grey, as all of them turn out to be
    assert run.predict(dataset[1]["image"]).shape == (1,)
    parts = DatasetDict(train=pictures([(6, 6)] * 20), test=pictures([(6, 6)] * 8))
    judged = bl.fit_pictures(parts, target="label", size=6, network="cnn:4", **FIT)
    assert judged.judgement["rows"] == 8
    loaded = bl.load(judged.save(tmp_path / "run"))
    assert loaded.predict(parts["test"]["image"][0]).shape == (1,)


# ----------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: bl.from_dataset(Endless()), InputError, "Endless doesn't know its length, .* rows=10_000"),
        (lambda: bl.fit(NET, vectors().to_iterable_dataset(), **FIT), InputError, "doesn't know its length"),
        (lambda: bl.from_dataset(Mapped([])), InputError, "the data set has no items"),
        (lambda: bl.from_dataset(vectors(0)), InputError, "the data set has no rows"),
        (
            lambda: bl.from_dataset(Mapped([(np.ones(3), 0), (np.ones(2), 1)])),
            ShapeError,
            r"x: row 1 has shape \(2,\), the rows before \(3,\): .*pad_sequences.*fit_pictures",
        ),
        (
            lambda: bl.from_dataset(pictures([(4, 4), (5, 4)])),
            ShapeError,
            r"input 'image': row 1 has shape \(5, 4, 3\)",
        ),
        (
            lambda: bl.from_dataset(DataLoader(Mapped([(np.ones(i + 1), 0) for i in range(2)]), batch_size=1)),
            ShapeError,
            r"x: rows of batch 1 have shape \(2,\), those before \(1,\): .*collate_fn",
        ),
        (
            lambda: bl.from_dataset(Mapped([{"a": np.ones(3), "b": 1}])),
            InputError,
            r"dicts with the keys 'a' \(3,\), 'b' number: .* bl.from_dataset\(dataset, inputs='a', target='b'\)",
        ),
        (lambda: bl.fit(NET, vectors(), target="lable", **FIT), UnknownNameError, "did you mean 'label'"),
        (lambda: bl.from_dataset(vectors(), inputs="label", target="label"), InputError, "'label' is the target; it"),
        (lambda: bl.from_dataset(vectors().select_columns("label")), InputError, "have one key, 'label', and so no"),
        (lambda: bl.from_dataset(Mapped([np.ones(3)])), InputError, "item 0 of the data set is a ndarray; expected a"),
        (lambda: bl.from_dataset(Mapped([(1, 2, 3)])), InputError, "item 0 of the data set is 3 parts; expected a"),
        (lambda: bl.from_dataset(Mapped([((1, 2), 3)])), InputError, "has 2 inputs without names: give a dict"),
        (lambda: bl.from_dataset(Mapped([(np.ones(3), None)])), InputError, r"y: row 0 is missing \(None\)"),
        (
            lambda: bl.from_dataset(Mapped([(np.ones(3), 1)]), target="y"),
            InputError,
            "the items .* are pairs, not dicts",
        ),
        (lambda: bl.from_dataset(Mapped([(np.ones(3), 1)]), inputs="x"), InputError, "inputs .* aren't dicts"),
        (
            lambda: bl.from_dataset(Mapped([(np.ones((4, 2)), np.ones(4))])),
            InputError,
            r"inputs \(4, 2\) and targets \(4,\): each may be a batch of 4 rows, or one row: say batched=True",
        ),
        (lambda: bl.from_dataset(vectors(), rows=0), InputError, "rows must be a whole number from 1, got 0"),
        (lambda: bl.from_dataset(vectors(), channels_first=True), InputError, "channels_first is for pictures"),
        (
            lambda: bl.from_dataset(vectors().map(lambda row: {"label": -1})),
            InputError,
            r"target 'label': row 0 has no class \(-1\); leave such rows out: dataset.filter",
        ),
        (
            lambda: bl.from_dataset(DatasetDict(train=vectors(), test=vectors())),
            InputError,
            r"DatasetDict has the parts train, test: choose one, dataset\['train'\]",
        ),
        (lambda: bl.fit(NET, DatasetDict(a=vectors(), b=vectors()), **FIT), InputError, "none is called train"),
        (
            lambda: bl.fit(pictures([(4, 4)] * 4), target="label"),
            InputError,
            r"'image' holds pictures: bl.fit_pictures",
        ),
        (lambda: bl.fit_pictures(vectors()), InputError, r"expected one column of pictures .*, got 0: v, label"),
        (lambda: bl.fit_pictures("folder", target="a"), InputError, "target is for data sets; in a folder"),
        (
            lambda: bl.fit(vectors().to_iterable_dataset(), target="label"),
            InputError,
            "a streamed data set is no table yet",
        ),
    ],
)
def test_what_can_not_be_read_is_told(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_an_error_of_the_data_sets_own_tells_which_item_it_was():
    with pytest.raises(OSError, match="disk") as raised:
        bl.from_dataset(Mapped([(1.0, 1), OSError("disk")]))
    assert raised.value.__notes__ == ["while item 1 of the data set was read"]
