"""Numbers of optimizers and penalties are arguments of the compiled program, and change nothing of its results."""

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree
from backlit.train.numbers import apart, together
from backlit.train.program import Program

X = np.random.default_rng(0).normal(size=(90, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype(int)


@pytest.fixture
def programs(monkeypatch):
    """The programs that are made from here on, and none that are kept from before."""
    from backlit.train import prepare
    from backlit.train.lazy import MadeOnce

    made = []

    class Counted(Program):
        def __post_init__(self):
            super().__post_init__()
            made.append(self)

    monkeypatch.setattr(prepare, "program_for", MadeOnce(Counted))
    return made


def train(x=X, y=Y, **options):
    network = bl.Sequential(bl.Linear(4), bl.Tanh(), bl.Linear(2))
    return bl.fit(network, x, y, **{"epochs": 3, "batch_size": 16, "progress": False, "probes": None, **options})


def params(run):
    return [np.asarray(leaf) for _, leaf in tree.items(run.network.params)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "penalty"),
    [
        (lambda rate: bl.Adam(rate), bl.L2),
        (lambda rate: bl.AdamW(rate, weight_decay=rate), bl.L1),
        (lambda rate: bl.SGD(rate, momentum=0.5 + rate, nesterov=True), lambda s: bl.L1(s) + bl.L2(s)),
        (lambda rate: bl.chain(bl.ClipGlobalNorm(1.0), bl.RMSprop(rate)), lambda s: bl.Elastic(s, 2 * s)),
        (lambda rate: bl.AdamW(bl.OneCycle(rate, steps=18, rise=0.4)), bl.L2),
        (lambda rate: bl.SGD(bl.WarmUp(bl.Cosine(rate, steps=15, end=rate / 9), steps=3)), bl.L2),
        (lambda rate: bl.Adam(bl.WarmUp(bl.optim.schedules.InverseTime(rate, decay=rate), steps=4)), bl.L1),
    ],
)
def test_other_rates_and_strengths_run_the_same_program(optimizer, penalty, programs):
    runs = [train(optimizer=optimizer(rate), penalty=penalty(rate / 10)) for rate in (0.1, 0.01, 0.001)]
    assert len(programs) == 1
    assert programs[0].train.traces == 1
    for rate, run in zip((0.1, 0.01, 0.001), runs, strict=True):  # in NumPy the numbers are Python's, as they stand
        plain = train(optimizer=optimizer(rate), penalty=penalty(rate / 10), engine="numpy")
        for ours, theirs in zip(params(run), params(plain), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)
    assert not np.allclose(params(runs[0])[0], params(runs[1])[0], atol=1e-3)
    assert runs[0].optimizer == optimizer(0.1)
    assert runs[2].settings["penalty"] == repr(penalty(0.0001))


def test_folds_that_differ_by_a_row_run_the_same_program(programs):
    for rows in (88, 87):
        train(X[:rows], Y[:rows], validation=0.2)
    assert [program.train.traces for program in programs] == [1]


@pytest.mark.parametrize("rows", [87, 88])
def test_rows_that_fill_up_change_nothing(rows):
    x, y = X[:rows].astype(float), Y[:rows]
    compiled, plain = (
        train(x, y, engine=name, dtype="float64", validation=(x[:33], y[:33])) for name in ("xla", "numpy")
    )
    for ours, theirs in zip(params(compiled), params(plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    told = compiled.evaluate(x[:33], y[:33])
    assert compiled.history[-1]["val_loss"] == pytest.approx(told["loss"], rel=1e-12)
    assert compiled.history[-1]["val_accuracy"] == told["accuracy"]


def test_what_is_left_out_or_decided_by_a_value_is_part_of_the_form():
    forms = [
        apart(each)[0]
        for each in (
            bl.SGD(0.1),
            bl.SGD(0.1, momentum=0.9),
            bl.SGD(0.1, momentum=0.9, nesterov=True),
            bl.SGD(0.1, weight_decay=0.1),
            bl.SGD(bl.Cosine(0.1, steps=10)),
            bl.SGD(bl.Cosine(0.1, steps=20)),
            bl.SGD(bl.Cosine(0.1, steps=10, end=0.01)),
            bl.SGD(lambda step: 0.1),
            bl.AdaGrad(0.1),
        )
    ]
    assert len(set(forms)) == len(forms)


def test_an_optimizer_of_ones_own_stays_whole():
    class Halving(bl.SGD):
        """Decides by a value, which a compiled program's argument doesn't have."""

        def steps(self):
            return super().steps() if self.learning_rate > 0.05 else bl.SGD(self.learning_rate / 2).steps()

    mine = Halving(0.1)
    assert apart(mine) == (mine, ())
    assert together(mine, ()) is mine
    train(optimizer=mine)


def test_other_shares_of_dropout_run_the_same_program(programs):
    def dropped(rate, **options):
        network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Dropout(rate), bl.DropConnect(2, rate=rate))
        return bl.fit(network, X, Y, epochs=3, batch_size=16, progress=False, probes=None, **options)

    runs = {rate: dropped(rate) for rate in (0.5, 0.1)}
    assert [program.train.traces for program in programs] == [1]
    for rate, run in runs.items():
        for ours, theirs in zip(params(run), params(dropped(rate, engine="numpy")), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6)
        assert run.network.architecture.layers[2].rate == rate
    dropped(0.0)
    assert len(programs) == 3  # that of NumPy, and of a network without dropout


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["xla", "numpy"])
def test_members_have_numbers_of_their_own(engine):
    """One program of two members trains each as it is trained alone: other rates, decays and shares of dropout."""
    from backlit.train.prepare import prepare
    from backlit.train.training import Training

    def job(rate, members=1):
        network = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Dropout(rate), bl.Linear(2))
        optimizer = bl.AdamW(bl.OneCycle(rate / 5, steps=12, rise=0.4), weight_decay=rate)
        return prepare(network, X, Y, Training(optimizer=optimizer, penalty=bl.L2(rate / 10), ensemble=members,
                                               metrics=[], dtype="float64", engine=engine, epochs=2))  # fmt: skip

    def train(job, data):
        batches = [each.epochs(0, 2, job.program.length) for each in job.batches]
        batches = batches[0] if len(batches) == 1 else tree.map(lambda *parts: np.stack(parts), *batches)
        return job.program.train(job.start, data, batches, None, None, np.int32(2))[0]["params"]

    alone, both = [job(0.3), job(0.1)], job(0.3, members=2)
    numbers = tree.map(lambda *each: np.array(each), *[each.data["numbers"] for each in alone])
    # The second member's start and rows are its seed's: those of the first make the two comparable.
    start = tree.map(lambda part: np.stack([np.asarray(part)] * 2), alone[0].start)
    both.batches[1] = both.batches[0]
    import dataclasses

    trained = train(dataclasses.replace(both, start=start), {**both.data, "numbers": numbers})
    for member, single in enumerate(alone):
        for (path, ours), theirs in zip(tree.items(trained), tree.leaves(train(single, single.data)), strict=True):
            np.testing.assert_allclose(np.asarray(ours)[member], theirs, rtol=1e-10, atol=1e-13, err_msg=path)
    assert not np.allclose(*[np.asarray(tree.leaves(trained)[0])[member] for member in (0, 1)], atol=1e-3)
