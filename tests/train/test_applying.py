"""Using a network: by NumPy or a compiled program, the same numbers, and nothing compiled for each number of rows."""

import numpy as np
import pytest

import backlit as bl
from backlit.train import applying
from backlit.train.applying import DENSE, WORTH, Program, pays, piece

NETWORKS = {
    "dense": (bl.Sequential(bl.Linear(16), bl.BatchNorm(), bl.ReLU(), bl.Dropout(0.5), bl.Linear(3)), (5,)),
    "convolution": (bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(3)), (8, 8, 2)),
    "recurrent": (bl.Sequential(bl.LSTM(8), bl.Linear(3)), (6, 5)),
    "tokens": (bl.Sequential(bl.Embedding(7, 4), bl.GRU(8), bl.Linear(3)), (6,)),
}


def rows_for(name, shape, rows):
    rng = np.random.default_rng(rows)
    whole = name == "tokens"
    return rng.integers(0, 7, (rows, *shape)).astype("int32") if whole else rng.normal(size=(rows, *shape)).astype("f4")


@pytest.fixture
def programs(monkeypatch):
    """Any row is worth a program, of 16 rows; those that were made are listed."""
    made = []

    def program(**parts):
        key = (parts["architecture"], parts["input_shape"])
        if not any(other[0] == key for other in made):
            made.append((key, Program(**parts)))
        return next(each for known, each in made if known == key)

    monkeypatch.setattr(applying, "WORTH", 1)
    monkeypatch.setattr(applying, "DENSE", 1)
    monkeypatch.setattr(applying, "PIECE", 1)
    monkeypatch.setattr(applying, "program_for", program)
    return made


@pytest.mark.parametrize("name", NETWORKS)
def test_the_program_gives_what_numpy_gives_and_is_compiled_once(name, programs):
    architecture, shape = NETWORKS[name]
    network = architecture.build(shape, seed=3)
    for rows in (16, 17, 40, 100):
        x = rows_for(name, shape, rows)
        by_program = applying.apply(network, x, engine="xla")
        by_numpy = applying.apply(network, x, engine="numpy")
        assert by_program.shape == by_numpy.shape == (rows, 3)
        assert by_program.dtype == by_numpy.dtype == np.float32
        np.testing.assert_allclose(by_program, by_numpy, rtol=1e-5, atol=1e-6)
    ((_, program),) = programs
    assert program.rows == 16
    assert program.run.traces == 1
    other = architecture.build(shape, seed=4)  # other weights, the same program
    applying.apply(other, rows_for(name, shape, 50), engine="xla")
    assert program.run.traces == 1
    assert len(programs) == 1


def test_double_precision_stays_double(programs):
    architecture, shape = NETWORKS["dense"]
    network = architecture.build(shape, dtype="float64")
    x = np.random.default_rng(0).normal(size=(33, *shape))
    by_program = applying.apply(network, x, engine="xla")
    assert by_program.dtype == np.float64
    np.testing.assert_allclose(by_program, network(x), rtol=1e-12, atol=1e-14)


def test_predictions_and_scores_go_the_same_way(programs):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype("float32")
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    run = bl.fit(NETWORKS["dense"][0], x, y, epochs=3, seed=0, progress=False)
    before = len(programs)
    predicted = run.predict(x)
    assert len(programs) == max(before, 1)
    assert run.evaluate(x, y)["accuracy"] == np.mean(predicted == y)
    np.testing.assert_allclose(run.predict_proba(x).sum(axis=1), 1, rtol=1e-5)
    (traces,) = {program.run.traces for _, program in programs}
    assert traces == 1


def test_what_a_program_cannot_have_runs_by_numpy(programs, monkeypatch):
    class Looking(bl.Layer):
        """A layer that decides by a value, as no compiled program can."""

        def __call__(self, params, x, ctx=None):
            return x if float(np.asarray(x).sum()) > 0 else x * 2

    own = bl.Sequential(Looking(), bl.Linear(3)).build((5,))
    x = rows_for("dense", (5,), 40)
    assert applying.apply(own, x, engine="xla").shape == (40, 3)
    network = NETWORKS["dense"][0].build((5,))

    def without(name):
        raise bl.errors.InputError("needs jax")

    monkeypatch.setattr(applying.engines, "get", without)
    assert applying.apply(network, x, engine="xla").shape == (40, 3)
    assert not programs


@pytest.mark.parametrize("engine", ["numpy", None])
def test_a_run_of_the_numpy_engine_needs_no_program(engine, programs):
    network = NETWORKS["dense"][0].build((5,))
    applying.apply(network, rows_for("dense", (5,), 40), engine=engine)
    assert not programs


def test_small_work_is_not_compiled():
    """As many rows as take NumPy a few hundredths of a second."""
    architecture, shape = NETWORKS["dense"]
    assert not pays(architecture, shape, 100_000)
    assert piece(architecture, shape) == applying.ROWS
    assert piece(bl.LSTM(4096), (100, 64)) == applying.LEAST


@pytest.mark.parametrize(
    ("name", "architecture", "shape", "worth"),
    [(name, *each, DENSE if name == "dense" else WORTH) for name, each in NETWORKS.items()]
    + [
        ("block", bl.Residual(bl.Linear(5), bl.ReLU(), bl.Linear(5)), (5,), DENSE),
        ("attention", bl.TransformerBlock(8, 2), (6, 8), WORTH),
    ],
)
def test_dense_products_are_worth_a_program_later(name, architecture, shape, worth):
    """A process that begins with a program waits for XLA, which NumPy's quick products outrun for longer."""
    rows = -(-worth // architecture.cost(shape))
    assert pays(architecture, shape, rows)
    assert not pays(architecture, shape, rows - 1)


def test_no_rows():
    network = NETWORKS["dense"][0].build((5,))
    assert applying.apply(network, np.zeros((0, 5), "f4"), engine="xla").shape == (0, 3)


def test_an_allocation_that_fails_is_told(programs):
    """More rows than any memory holds: a `MemoryError` of Python's, and the process lives on."""
    network = NETWORKS["dense"][0].build((5,))
    many = np.broadcast_to(np.zeros((1, 5), "f4"), (2**50, 5))
    with pytest.raises(MemoryError):
        applying.apply(network, many, engine="xla")
    assert applying.apply(network, many[:20], engine="xla").shape == (20, 3)
