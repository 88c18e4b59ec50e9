"""Training: right against hand-written loops and PyTorch, reproducible, honest about what went wrong."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.errors import BacklitError, DivergedError, InputError, ShapeError
from backlit.train import loop
from tests.train.common import blobs, mlp, weights


@pytest.mark.parametrize("engine", ["xla", "numpy"])
def test_learns_blobs(engine):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=30, optimizer=bl.Adam(0.02), validation=0.25, engine=engine)
    assert run.history[-1]["val_accuracy"] > 0.9
    assert run.evaluate(x, y)["accuracy"] > 0.9
    assert [record["epoch"] for record in run.history] == list(range(1, 31))


def test_both_engines_take_the_same_path():
    x, y = blobs()
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Dropout(0.3), bl.Linear(3))
    runs = [
        bl.fit(net, x, y, epochs=5, batch_size=32, engine=e, dtype="float64", validation=0.2) for e in ("xla", "numpy")
    ]
    np.testing.assert_allclose(weights(runs[0]), weights(runs[1]), rtol=1e-9)
    np.testing.assert_allclose(runs[0].history["val_loss"], runs[1].history["val_loss"], rtol=1e-9)


def test_equals_pytorch_with_the_same_batches():
    x, y = blobs(rows=50)
    net = mlp().build((4,), dtype="float64")
    run = bl.fit(net, x, y, epochs=3, batch_size=16, shuffle=False, dtype="float64", optimizer=bl.Adam(0.01))
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    with torch.no_grad():
        for name, layer in (("0", theirs[0]), ("2", theirs[2])):
            layer.weight.copy_(torch.tensor(net.params[name]["weight"]))
            layer.bias.copy_(torch.tensor(net.params[name]["bias"]))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    tx, ty = torch.tensor(x, dtype=torch.float64), torch.tensor(y)
    for _ in range(3):
        total = 0.0
        for i in range(0, 50, 16):  # the last batch has two rows
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(theirs(tx[i : i + 16]), ty[i : i + 16])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(tx[i : i + 16])
    np.testing.assert_allclose(run.network.params["0"]["weight"], theirs[0].weight.detach(), rtol=1e-9)
    np.testing.assert_allclose(run.history[-1]["loss"], total / 50, rtol=1e-9)


def test_sum_reduction_on_the_full_batch_is_plain_gradient_descent():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    net = bl.Linear(2, bias=False).build((3,), dtype="float64")
    run = bl.fit(
        net, x, y, loss="squared_error", reduction="sum", optimizer=bl.SGD(1e-3), epochs=50, batch_size=None,
        dtype="float64",
    )  # fmt: skip
    w = net.params["weight"].T.copy()
    for _ in range(50):
        loss = ((x @ w - y) ** 2).sum()
        w -= 1e-3 * 2 * x.T @ (x @ w - y)
    np.testing.assert_allclose(run.network.params["weight"].T, w, rtol=1e-10)
    np.testing.assert_allclose(run.history[-1]["loss"], loss, rtol=1e-10)


def test_every_row_counts_once_and_padding_not_at_all():
    x, y = blobs(rows=37)
    run = bl.fit(mlp(), x, y, epochs=1, batch_size=16, optimizer=bl.SGD(1e-12), dtype="float64")
    start = mlp().build((4,), dtype="float64")
    expected = torch.nn.functional.cross_entropy(torch.tensor(start(x.astype("float64"))), torch.tensor(y)).item()
    np.testing.assert_allclose(run.history[0]["loss"], expected, rtol=1e-9)


def test_accumulating_is_the_same_as_a_larger_batch():
    x, y = blobs(rows=64)
    once = bl.fit(mlp(), x, y, epochs=3, batch_size=32, dtype="float64")
    parts = bl.fit(mlp(), x, y, epochs=3, batch_size=8, accumulate=4, dtype="float64")
    np.testing.assert_allclose(weights(once), weights(parts), rtol=1e-10)


def test_sample_weight_zero_is_as_if_the_row_were_absent():
    x, y = blobs(rows=40)
    kept = np.ones(40)
    kept[30:] = 0
    weighted = bl.fit(mlp(), x, y, epochs=4, batch_size=None, sample_weight=kept, dtype="float64")
    absent = bl.fit(mlp(), x[:30], y[:30], epochs=4, batch_size=None, dtype="float64")
    np.testing.assert_allclose(weights(weighted), weights(absent), rtol=1e-10)


def test_a_batch_without_any_weight_changes_nothing():
    x, y = blobs(rows=40)
    kept = np.ones(40)
    kept[20:] = 0
    options = {"epochs": 3, "batch_size": 20, "shuffle": False, "dtype": "float64", "optimizer": bl.SGD(0.1)}
    weighted = bl.fit(mlp(), x, y, sample_weight=kept, **options)
    absent = bl.fit(mlp(), x[:20], y[:20], **options)
    np.testing.assert_allclose(weights(weighted), weights(absent), rtol=1e-10)


def test_class_weight_balanced_lets_a_rare_class_count():
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.05).astype(int)
    x = (y[:, None] * 1.5 + rng.normal(size=(400, 2))).astype("float32")
    options = {"epochs": 30, "optimizer": bl.Adam(0.02), "metrics": ["balanced_accuracy"]}
    plain = bl.fit(mlp(2), x, y, **options).evaluate(x, y)["balanced_accuracy"]
    balanced = bl.fit(mlp(2), x, y, class_weight="balanced", **options).evaluate(x, y)["balanced_accuracy"]
    assert balanced > plain + 0.1


@pytest.mark.slow
def test_penalty_is_added_and_recorded():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=5, penalty=bl.L2(0.1))
    free = bl.fit(mlp(), x, y, epochs=5)
    assert np.square(weights(run)).sum() < np.square(weights(free)).sum()
    assert "penalty" not in free.history[0]
    net = mlp().build(4)
    first = bl.fit(net, x, y, epochs=1, batch_size=None, penalty=bl.L2(0.1)).history[0]
    squares = [np.square(net.params[layer]["weight"]).sum() for layer in ("0", "2")]
    assert first["penalty"] == pytest.approx(0.1 * sum(squares), rel=1e-6)
    assert first["loss"] == bl.fit(net, x, y, epochs=1, batch_size=None).history[0]["loss"]  # of the data alone


# --------------------------------------------------------------------------------------------- same seed, same bits


@pytest.mark.slow
def test_same_seed_same_bits_whatever_the_chunks_and_the_display(capsys):
    x, y = blobs()
    options = {"epochs": 7, "validation": 0.2, "seed": 3}
    reference = bl.fit(mlp(), x, y, **options)
    for extra in ({"chunk": 1}, {"chunk": 3}, {"progress": True}, {"callbacks": [lambda end: None]}):
        again = bl.fit(mlp(), x, y, **options, **extra)
        assert (weights(again) == weights(reference)).all(), extra
        assert again.history["val_loss"] == reference.history["val_loss"]
    other = bl.fit(mlp(), x, y, epochs=7, validation=0.2, seed=4)
    assert not (weights(other) == weights(reference)).any()


@pytest.mark.slow
def test_same_bits_in_another_process():
    code = (
        "import sys; from tests.train.common import *\n"
        "x, y = blobs(); run = bl.fit(mlp(), x, y, epochs=4, seed=5); print(weights(run).tobytes().hex())"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    ]
    x, y = blobs()
    assert outputs[0] == outputs[1]
    assert outputs[0].strip() == weights(bl.fit(mlp(), x, y, epochs=4, seed=5)).tobytes().hex()


def test_the_step_is_traced_once_and_a_second_run_not_at_all(monkeypatch):
    from backlit.train import prepare as module
    from backlit.train.program import program_for

    used = []
    monkeypatch.setattr(module, "program_for", lambda **parts: used.append(program_for(**parts)) or used[-1])
    program_for.kept.cache_clear()
    x, y = blobs(rows=90)
    for seed in (0, 1):
        bl.fit(mlp(), x, y, epochs=9, validation=0.2, seed=seed, chunk=4)
    assert used[0] is used[1]
    assert used[0].train.traces == 1


def test_what_cannot_be_looked_up_still_trains():
    """To the same weights as what can be."""
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Weighted(bl.Loss):
        weights: Any  # a list can't be hashed, a tuple can

        def __call__(self, output, target):
            return bl.ops.sum((output - target) ** 2 * np.asarray(self.weights, dtype=output.dtype), axis=1)

    with pytest.raises(TypeError, match="unhashable"):
        hash(Weighted([1.0, 2.0]))
    job = {"network": bl.Linear(2), "x": np.eye(3), "y": np.eye(3)[:, :2], "epochs": 2, "optimizer": bl.SGD(0.1)}
    trained, same, other = (bl.fit(**job, loss=Weighted(of)) for of in ([1.0, 2.0], (1.0, 2.0), [2.0, 1.0]))
    assert (weights(trained) == weights(same)).all()
    assert not (weights(trained) == weights(other)).all()


# ----------------------------------------------------------------------------------- early stopping and callbacks


@pytest.mark.slow
def test_early_stopping_ends_with_the_best_weights():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 10)).astype("float32"), rng.integers(0, 2, 60)  # nothing to learn: it can but overfit
    run = bl.fit(mlp(2), x, y, epochs=200, validation=0.3, optimizer=bl.Adam(0.02), early_stopping=5)
    assert run.stopped == "early stopping"
    losses = run.history["val_loss"]
    assert len(losses) == run.best_epoch + 5
    assert min(losses) == losses[run.best_epoch - 1]
    again = bl.fit(mlp(2), x, y, epochs=run.best_epoch, validation=0.3, optimizer=bl.Adam(0.02))
    assert (weights(again) == weights(run)).all()


def test_no_epoch_is_run_after_the_one_that_early_stopping_ends_with(monkeypatch):
    calls = []
    results = loop.Loop._results

    def counted(self, replay):
        calls.append((replay.first, replay.count))
        return results(self, replay)

    monkeypatch.setattr(loop.Loop, "_results", counted)
    monkeypatch.setattr(loop, "PATIENCE_SECONDS", 1e9)  # else a call might be short because the machine is slow
    still = {"optimizer": bl.SGD(0.0), "engine": "numpy", "probes": False}
    run = bl.fit(mlp(), *blobs(), epochs=100, validation=0.3, early_stopping=60, **still)
    assert (run.best_epoch, len(run.history)) == (1, 61)
    assert calls == [(0, 1), (1, 1), (2, 59), (0, 1)]  # and at last the best epoch again, for its weights


def test_early_stopping_can_watch_a_metric():
    x, y = blobs()
    stopping = bl.EarlyStopping(patience=3, monitor="val_accuracy")
    run = bl.fit(mlp(), x, y, epochs=100, validation=0.3, early_stopping=stopping, optimizer=bl.Adam(0.05))
    accuracies = run.history["val_accuracy"]
    assert accuracies[run.best_epoch - 1] == max(accuracies)


def test_callbacks_see_the_network_and_can_stop():
    x, y = blobs()
    seen = []

    def watch(end):
        seen.append((end.epoch, end.record["loss"], end.network.params["0"]["weight"].copy()))
        return end.epoch == 3

    run = bl.fit(mlp(), x, y, epochs=10, callbacks=watch)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert run.stopped == "callback"
    assert (seen[-1][2] == run.network.params["0"]["weight"]).all()
    assert not (seen[0][2] == seen[1][2]).all()


@pytest.mark.parametrize("answer", [True, np.True_, np.float32(0.5) < np.float64(0.6)])
def test_a_callback_stops_with_true_of_any_kind(answer):
    run = bl.fit(mlp(), *blobs(), epochs=4, engine="numpy", callbacks=lambda end: answer)
    assert (len(run.history), run.stopped) == (1, "callback")


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, "stop", np.array([True])])
def test_a_callback_that_answers_otherwise_does_not_stop(answer):
    assert len(bl.fit(mlp(), *blobs(), epochs=2, engine="numpy", callbacks=lambda end: answer).history) == 2


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_reduce_on_plateau_lowers_the_rate(engine):
    """Gradient descent by hand, at the rates that PyTorch's scheduler makes of the same losses."""
    import torch

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    network = bl.Linear(1).build(3, dtype="float64")
    plateau = {"factor": 0.5, "patience": 2}
    run = bl.fit(
        network, x, y, epochs=40, batch_size=None, optimizer=bl.SGD(bl.ReduceOnPlateau(1.05, **plateau)),
        loss="mean_squared_error", engine=engine, dtype="float64",
    )  # fmt: skip
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.05)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **plateau)
    w, b = network.params["weight"][0].copy(), network.params["bias"].copy()
    losses, rates = [], []
    for _ in range(40):
        error, rate = x @ w + b - y, theirs.param_groups[0]["lr"]
        losses.append((error**2).mean())
        rates.append(rate)
        w, b = w - rate * 2 * error @ x / 40, b - rate * 2 * error.mean()
        theirs.step()
        scheduler.step(losses[-1])
    assert len(set(rates)) > 2, "the loss must stop falling more than once, or nothing is shown"
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-9)
    np.testing.assert_allclose(run.network.params["weight"][0], w, rtol=1e-9)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
def test_a_budget_is_spent_by_epochs(engine):
    """Gradient descent by hand, at rates that fall evenly to nothing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    network = bl.Linear(1).build(3, dtype="float64")
    run = bl.fit(
        network, x, y, epochs=8, batch_size=None, optimizer=bl.SGD(0.2), schedule="budget",
        loss="mean_squared_error", engine=engine, dtype="float64",
    )  # fmt: skip
    w, b = network.params["weight"][0].copy(), network.params["bias"].copy()
    for epoch in range(8):
        error, rate = x @ w + b - y, 0.2 * (1 - epoch / 8)
        w, b = w - rate * 2 * error @ x / 40, b - rate * 2 * error.mean()
    np.testing.assert_allclose(run.network.params["weight"][0], w, rtol=1e-9)


def test_a_budget_is_spent_by_the_clock(monkeypatch):
    """After three of ten seconds seven tenths of the rate are left, however many epochs there might be."""
    from types import SimpleNamespace

    now = iter(range(1000))
    clock = SimpleNamespace(monotonic=lambda: float(next(now)) / 2, perf_counter=lambda: 0.0)
    monkeypatch.setattr("backlit.train.loop.time", clock)
    seen = []
    monkeypatch.setattr(bl.optim.Budget, "after", lambda self, told, state: (state, seen.append(told.spent) or 1.0))
    from backlit.train.loop import Loop
    from backlit.train.prepare import prepare
    from backlit.train.training import Training

    x, y = np.ones((8, 2)), np.ones(8)
    training = Training(optimizer=bl.SGD(0.1), schedule="budget", epochs=10**6, engine="numpy", probes=None)
    loop = Loop(prepare(bl.Linear(1), x, y, training), deadline=10.0)
    loop.run()
    assert loop.stopped == "time limit"
    assert len(seen) == len(loop.history)
    assert seen == sorted(seen)
    assert 0 < seen[0] < 0.2
    assert 0.8 < seen[-1] <= 1.05


# -------------------------------------------------------------------------------------------- what goes wrong


def test_a_diverged_run_stops_and_says_where():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=20, optimizer=bl.SGD(1e38), batch_size=32)
    assert run.stopped == "diverged"
    assert run.diverged.epoch == 1
    assert run.diverged.step >= 2
    assert "0/weight" in run.diverged.layer or "the sum of the losses" in run.diverged.layer
    assert np.isfinite(weights(run)).all()
    with pytest.raises(DivergedError, match="epoch 1, step"):
        bl.fit(mlp(), x, y, epochs=20, optimizer=bl.SGD(1e38), batch_size=32, strict=True)


def test_the_layer_that_made_the_first_bad_value_is_named():
    from dataclasses import dataclass

    @dataclass(frozen=True, repr=False)
    class Logarithm(bl.Layer):
        def __call__(self, params, x, ctx=None):
            return bl.ops.log(x - 1.0)

    x, y = blobs()
    run = bl.fit(bl.Sequential(bl.Linear(8), Logarithm(), bl.Linear(3)), x, y, epochs=2)
    assert run.diverged.layer == "layer 1"


@pytest.mark.parametrize("when", [1, 3])
def test_ctrl_c_keeps_what_was_trained(when):
    x, y = blobs()

    def interrupt(end):
        if end.epoch == when + 1:
            raise KeyboardInterrupt

    run = bl.fit(mlp(), x, y, epochs=10, callbacks=interrupt)
    assert run.stopped == "interrupted"
    reference = bl.fit(mlp(), x, y, epochs=when)
    assert (weights(run) == weights(reference)).all()
    assert len(run.history) == when


def mistakes():
    x, y = blobs()
    nan = x.copy()
    nan[3, 1] = np.nan
    return [
        ((mlp(), x, y[:-1]), {}, "120 rows and y 119"),
        ((mlp(), nan, y), {}, r"row 3.*column 1"),
        ((mlp(2), x, y), {}, r"3 classes.*bl\.Linear\(3\)"),
        ((mlp(), x, y), {"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ((mlp(), x, y), {"batch_size": -4}, "batch_size must be a whole number of at least 1, or 'full', got -4"),
        ((mlp(), x, y), {"validation": 1.5}, "validation=1.5: a share must lie between 0 and 1"),
        ((mlp(), x, y), {"loss": "crossentropy"}, "did you mean 'cross_entropy'"),
        ((mlp(), x, y), {"optimizer": "adm"}, "did you mean 'adam'"),
        ((mlp(), x, y), {"engine": "jax"}, "unknown engine"),
        ((mlp(), x, y), {"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ((mlp(), x, y), {"dtype": "float16"}, "dtype must be"),
        ((mlp(), x, y), {"reduction": "max"}, "reduction must be"),
        ((mlp(), x, y), {"seed": -1}, "seed must be"),
        ((mlp(), x, y), {"sample_weight": np.ones(3)}, r"sample_weight must have shape \(120,\)"),
        ((mlp(), x, y), {"class_weight": {9: 1.0}}, "class_weight names"),
        (
            (mlp(), x, y),
            {"early_stopping": bl.EarlyStopping(monitor="val_auc")},
            "nothing called 'val_auc' is measured",
        ),
        ((mlp(), x, [*"abc" * 39, "a", "b", float("nan")]), {}, "missing"),
        ((mlp(), x, y), {"resume": True}, "resume=True needs checkpoint"),
        ((mlp().build((5,)), x, y), {}, r"rows of shape \(5,\)"),
        (("mlp", x, y), {}, "network must be a layer"),
        ((mlp(), x, y), {"loss": "mean_squared_error"}, "end the network with 1 output"),
        ((mlp(), np.zeros((0, 4)), []), {}, "no rows"),
        ((bl.Linear(2), x, np.ones((len(x), 2))), {"loss": "binary_cross_entropy"}, "multi_label_cross_entropy"),
    ]


@pytest.mark.parametrize("number", range(len(mistakes())))
def test_mistakes_are_told_with_the_remedy(number):
    args, options, message = mistakes()[number]
    with pytest.raises(BacklitError, match=message) as caught:
        bl.fit(*args, **options)
    assert isinstance(caught.value, (InputError, ShapeError))


def test_early_stopping_refuses_bad_settings():
    with pytest.raises(InputError, match="patience must be"):
        bl.EarlyStopping(patience=0)
    with pytest.raises(InputError, match="min_delta must be"):
        bl.EarlyStopping(min_delta=-1)
    with pytest.raises(InputError, match="direction must be"):
        bl.EarlyStopping(direction="up")


# ------------------------------------------------------------------------------------------------- kinds of work


def test_labels_of_any_type_come_back():
    x, y = blobs()
    names = np.array(["사과", "배", "귤"])[y]
    run = bl.fit(mlp(), x, names, epochs=30, optimizer=bl.Adam(0.02))
    assert (run.predict(x) == names).mean() > 0.9
    assert run.classes == sorted({"사과", "배", "귤"})
    probabilities = run.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_binary_with_one_output():
    x, y = blobs(classes=2)
    run = bl.fit(mlp(1), x, np.where(y, "yes", "no"), loss="binary_cross_entropy", epochs=30, optimizer=bl.Adam(0.02))
    assert (run.predict(x) == np.where(y, "yes", "no")).mean() > 0.9
    assert run.predict_proba(x).shape == (120, 2)


def test_multi_label():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype("float32")
    y = (x > 0).astype(int)
    run = bl.fit(mlp(3), x, y, loss="multi_label_cross_entropy", epochs=60, optimizer=bl.Adam(0.03))
    assert (run.predict(x) == y).mean() > 0.95
    assert run.predict_proba(x).shape == (200, 3)


def test_regression_predicts_flat_numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype("float32")
    y = x @ [1.0, -2.0] + 0.5
    run = bl.fit(bl.Linear(1), x, y, epochs=100, optimizer=bl.Adam(0.05))
    assert run.predict(x).shape == (200,)
    assert run.evaluate(x, y)["r2"] > 0.999
    with pytest.raises(InputError, match="no probabilities"):
        run.predict_proba(x)


def test_users_own_metric_and_loss():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Fourth:
        target = "number"
        activation = None

        def __call__(self, output, target):
            return bl.ops.sum((output - target) ** 4, axis=1)

    def worst(outputs, targets, weights):
        return float(np.abs(outputs - targets).max())

    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    run = bl.fit(
        bl.Linear(1), x, x.sum(axis=1), loss=Fourth(), metrics=[worst, "rmse"], epochs=50, optimizer=bl.Adam(0.05)
    )
    assert run.history[-1]["worst"] < run.history[0]["worst"]
    assert "rmse" in run.history[-1]


@pytest.mark.parametrize("kind", ["list", "pandas", "polars"])
def test_data_frames_and_lists(kind):
    x, y = blobs()
    if kind == "list":
        data, target = x.tolist(), y.tolist()
    else:
        library = pytest.importorskip(kind)
        data = library.DataFrame({f"열{i}": x[:, i] for i in range(4)})
        target = library.Series(y)
    run = bl.fit(mlp(), data, target, epochs=3)
    reference = bl.fit(mlp(), x, y, epochs=3)
    assert (weights(run) == weights(reference)).all()
    assert (run.predict(data) == reference.predict(x)).all()


def test_progress_when_piped_is_plain_lines(capsys):
    x, y = blobs()
    bl.fit(mlp(), x, y, epochs=3, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 3/3  loss" in captured.err
    bl.fit(mlp(), x, y, epochs=3)
    assert capsys.readouterr().err == ""


def test_history_as_columns_and_frame():
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=3)
    assert run.history["epoch"] == [1, 2, 3]
    assert run.history.frame().shape[0] == 3
    with pytest.raises(InputError, match="did you mean 'loss'"):
        run.history["los"]


def test_lr_find_suggests_a_rate_that_trains():
    x, y = blobs(rows=300)
    test = bl.lr_find(mlp(), x, y, optimizer="sgd")
    assert 1e-3 < test.suggestion < 10
    assert len(test.rates) == len(test.losses) == len(test.smoothed)
    run = bl.fit(mlp(), x, y, optimizer=bl.SGD(test.suggestion), epochs=10)
    assert run.history[-1]["accuracy"] > 0.9
    with pytest.raises(InputError, match="0 < start < stop"):
        bl.lr_find(mlp(), x, y, start=1.0, stop=0.1)
    with pytest.raises(InputError, match="at least 10 steps"):
        bl.lr_find(mlp(), x, y, steps=3)
