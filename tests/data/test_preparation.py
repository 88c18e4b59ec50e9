"""Preparations: every kind answers what may be asked, and is listed for the files; one's own may answer less."""

import numpy as np
import polars as pl
import pytest
from sklearn.preprocessing import StandardScaler

import backlit as bl
from backlit.data.preparation import HOMES, Preparation, describe, preparation_of, restore
from backlit.errors import InputError
from tests.owned import is_own

ROWS = np.arange(12.0).reshape(6, 2)
TABLE = pl.DataFrame({"t": range(6), "size": ROWS[:, 0], "text": ["a b", "b", "a", "c", "b a", "a"], "y": [0, 1] * 3})


def kinds(base=Preparation):
    """All concrete kinds that Backlit has."""
    for kind in base.__subclasses__():
        if is_own(kind):
            yield kind
            yield from kinds(kind)


def samples():
    """One of each kind that files may name."""
    from backlit.data.by_input import ByInput
    from backlit.data.from_column import FromColumn
    from backlit.data.named import NamedColumns
    from backlit.data.onnx_steps import Column, OnnxSteps, Step, plain
    from backlit.data.pictures.clips import Clips
    from backlit.data.pictures.decoding import Form
    from backlit.data.series import Grid, SeriesPreparation, Windows
    from backlit.data.text import Texts
    from backlit.data.transformers import Transformer

    goal = bl.data.table.TableTarget(("y",), "classification")
    windows = Windows.all(Grid.of(TABLE[["t", "size"]], "size", "t"), 2, 1)
    made = [
        bl.data.TablePreparation.learn(TABLE, goal),
        bl.data.TextColumn.learn(TABLE, "text", goal),
        bl.data.Pictures(Form(4, 3, 1), (0.0,), (255.0,)),
        Clips(Form(4, 3, 1), (0.0,), (255.0,), frames=2),
        FromColumn(Texts(bl.data.Tokenizer.learn("abc"), 4), ("text",)),
        NamedColumns(("size",)),
        Transformer(StandardScaler().fit(ROWS)),
        ByInput({"table": NamedColumns(("size",))}),
        Texts(bl.data.Tokenizer.learn("abc"), 4),
        SeriesPreparation.learn(windows, "size", "t"),
        OnnxSteps(
            (Column("x", "float32", 2),),
            (Step("Mul", ("x", "c"), "y", {}), Step("Imputer", ("y",), "z", {"imputed_value_floats": [1.0]})),
            {"c": plain(np.array([2.0, 3.0], dtype="float32"))},
            "z",
        ),
        *(kind().fit(ROWS) for kind in (bl.data.Standardize, bl.data.MinMax, bl.data.Center, bl.data.FillGaps)),
    ]
    return {type(each).__name__: each for each in made}


def test_every_kind_is_listed_for_the_files():
    samples()
    assert {kind.__name__ for kind in kinds()} - {"Foreign", "AsItIs", "Scaling"} == set(HOMES) == set(samples())


@pytest.mark.parametrize("kind", HOMES)
def test_every_kind_comes_back_from_what_it_tells(kind):
    one = samples()[kind]
    assert isinstance(one, Preparation)
    again = restore(describe(one))
    assert type(again) is type(one)
    assert describe(again) == describe(one)
    assert describe(one)["kind"] == kind


def test_what_a_table_and_a_text_tell_of_their_columns():
    table, text = samples()["TablePreparation"], samples()["TextColumn"]
    assert (table.target_names, table.column_names) == (("y",), ("t", "size", "text"))
    assert (text.target_names, text.column_names) == (("y",), ("text",))
    assert samples()["SeriesPreparation"].target_names == ("size",)
    assert samples()["Standardize"].target_names == samples()["Standardize"].column_names == ()


def test_input_that_needs_nothing_is_taken_as_it_is():
    nothing = preparation_of(None)
    assert nothing.apply(ROWS) is ROWS
    assert (nothing.rows(), nothing.places(), nothing.embedded, nothing.unseen(ROWS)) == ([], [], (), {})
    assert describe(None) is restore(None) is None


class Halves:
    """What the documentation allows: an object with `apply`."""

    def apply(self, raw):
        return np.asarray(raw) / 2


def test_an_object_with_apply_will_do_to_train_but_not_to_save(tmp_path):
    run = bl.fit(bl.Linear(1), ROWS, ROWS[:, 0], preparation=Halves(), epochs=2, engine="numpy", progress=False)
    assert np.array_equal(run.inputs(ROWS), (ROWS / 2).astype(np.float32))
    assert run.predict(ROWS).shape == (6,)
    with pytest.raises(InputError, match="by Halves can't be saved; known preparations: TablePreparation"):
        run.save(tmp_path / "run")


def test_one_answer_of_ones_own_is_enough():
    class Shifted(Preparation):
        def apply(self, raw):
            return np.asarray(raw)

        def relative(self, raw, y):
            return np.asarray(y) - 100

        def absolute(self, raw, predicted):
            return predicted + 100

        def to_dict(self):
            return {}

        @classmethod
        def from_dict(cls, data):
            return cls()

    options = {"optimizer": bl.SGD(0.0), "epochs": 1, "engine": "numpy", "progress": False}
    run = bl.fit(bl.Linear(1, weight_init="zeros"), ROWS, ROWS[:, 0] + 100, preparation=Shifted(), **options)
    assert run.predict(ROWS).tolist() == [100.0] * 6
