"""Mixup against training by hand in NumPy, in both engines, whatever the batches."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.train.batches import Batches
from backlit.train.mixup import Mixup
from tests.train.common import blobs, mlp, weights

ENGINES = pytest.mark.parametrize("engine", ["numpy", "xla"])


def softmax_by_hand(x, y, epochs, batches, rate, start):
    """Gradient descent on mixed rows for a linear network with softmax: parameters, and each epoch's loss."""
    weight, bias = (np.array(start[name], np.float64) for name in ("weight", "bias"))
    classes, losses = len(bias), []
    for number in range(epochs):
        epoch, total, count = batches.epoch(number), 0.0, 0.0
        for step in range(batches.steps):
            gradient_weight, gradient_bias = np.zeros_like(weight), np.zeros_like(bias)
            denominator = epoch["weights"][step].sum()
            for part in range(batches.accumulate):
                rows, w = epoch["rows"][step, part], epoch["weights"][step, part].astype(float)
                share, partners = float(epoch["share"][step, part]), epoch["partners"][step, part]
                for i in range(len(rows)):
                    p = partners[i]
                    mixed = share * x[rows[i]] + (1 - share) * x[rows[p]]
                    logits = weight @ mixed + bias
                    probability = np.exp(logits - logits.max())
                    probability /= probability.sum()
                    for row, own in ((rows[i], share * w[i]), (rows[p], (1 - share) * w[p])):
                        error = probability - np.eye(classes)[y[row]]
                        gradient_weight += own * np.outer(error, mixed) / denominator
                        gradient_bias += own * error / denominator
                        total -= own * np.log(probability[y[row]])
            weight, bias = weight - rate * gradient_weight, bias - rate * gradient_bias
            count += denominator
        losses.append(total / count)
    return {"weight": weight, "bias": bias}, losses


@ENGINES
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 8},
        {"batch_size": 8, "accumulate": 2},
        {"batch_size": None},
        {"batch_size": 7, "shuffle": False},
        {"batch_size": 8, "sample_weight": np.arange(30) % 4},  # some rows don't count
    ],
    ids=str,
)
def test_training_equals_numpy_by_hand(engine: str, options: dict[str, Any]) -> None:
    x, y = blobs(30, classes=3, features=4)
    x = x.astype(np.float64)
    net = bl.Linear(3).build((4,), dtype="float64")
    run = bl.fit(
        net, x, y, mixup=0.7, epochs=3, optimizer=bl.SGD(0.3), dtype="float64", engine=engine, seed=5, **options
    )
    batches = Batches(
        np.arange(30),
        options["batch_size"] or 30,
        options.get("sample_weight"),
        5 if options.get("shuffle", True) else None,
        options.get("accumulate", 1),
        mixup=Mixup(0.7, 5),
    )
    expected, losses = softmax_by_hand(x, y, 3, batches, 0.3, net.params)
    for name, value in expected.items():
        np.testing.assert_allclose(run.network.params[name], value, rtol=1e-10)
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-10)


def test_shares_are_beta_and_partners_an_order_of_the_rows_that_count(rng: np.random.Generator) -> None:
    from scipy.stats import beta, kstest

    batch_weights = np.ones((50, 2, 8), np.float32)
    batch_weights[-1, 1, 3:] = 0  # filled up
    batch_weights[0, 0, [0, 5]] = 0
    drawn = [Mixup(0.4, 1).draw(epoch, batch_weights) for epoch in range(20)]
    shares = np.concatenate([one["share"].ravel() for one in drawn])
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue > 0.01
    for one in drawn:
        np.testing.assert_array_equal(np.sort(one["partners"], axis=-1), np.broadcast_to(np.arange(8), (50, 2, 8)))
        np.testing.assert_array_equal(one["partners"][-1, 1, 3:], np.arange(3, 8))  # rows without weight: themselves
        np.testing.assert_array_equal(one["partners"][0, 0, [0, 5]], [0, 5])
    counts = np.zeros((8, 8))
    for one in drawn:
        for partners in one["partners"][1:-1].reshape(-1, 8):
            counts[np.arange(8), partners] += 1
    expected = 20 * 96 / 8
    assert (abs(counts - expected) < 5 * np.sqrt(expected)).all()  # each row with each other equally often


def test_draws_go_by_seed_and_epoch() -> None:
    full = np.ones((3, 1, 6), np.float32)
    first = Mixup(0.2, 1).draw(4, full)
    for again, same in (
        (Mixup(0.2, 1).draw(4, full), True),
        (Mixup(0.2, 1).draw(5, full), False),
        (Mixup(0.2, 2).draw(4, full), False),
    ):
        assert np.array_equal(first["share"], again["share"]) is same
        assert np.array_equal(first["partners"], again["partners"]) is same


@ENGINES
def test_rows_without_weight_are_as_if_they_werent_there(engine: str) -> None:
    """Whatever they hold never reaches a row that counts."""
    x, y = blobs(20)
    kept = np.ones(20)
    kept[[3, 11]] = 0
    found = []
    for poison in (0.0, 1e6):
        x[[3, 11]] = poison
        run = bl.fit(mlp(), x, y, mixup=1.0, epochs=3, batch_size=6, sample_weight=kept, engine=engine)
        found.append(weights(run))
    np.testing.assert_array_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [16, None])
def test_the_chunk_changes_nothing(batch_size: int | None) -> None:
    x, y = blobs(50)
    runs = [bl.fit(mlp(), x, y, mixup=0.5, epochs=7, batch_size=batch_size, chunk=chunk) for chunk in (1, 3, 7)]
    for run in runs[1:]:
        np.testing.assert_array_equal(weights(run), weights(runs[0]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss",
    ["cross_entropy", "binary_cross_entropy", "hinge", "mse", "mae", "huber", "soft_cross_entropy"],
)
def test_every_loss_alike_in_both_engines(loss: str, rng: np.random.Generator) -> None:
    x, y = blobs(40, classes=2)
    outputs = 1
    if loss in ("cross_entropy", "soft_cross_entropy", "hinge"):
        outputs = 2
    if loss == "soft_cross_entropy":
        y = np.eye(2)[y]
    if loss in ("mse", "mae", "huber"):
        y = rng.normal(size=40)
    mixed, alike = (
        bl.fit(mlp(outputs), x, y, loss=loss, mixup=0.5, epochs=3, engine=engine, dtype="float64", batch_size=16)
        for engine in ("numpy", "xla")
    )
    np.testing.assert_allclose(weights(mixed), weights(alike), rtol=1e-9, atol=1e-12)
    plain = bl.fit(mlp(outputs), x, y, loss=loss, epochs=3, dtype="float64", batch_size=16)
    assert not np.allclose(weights(mixed), weights(plain))


def test_the_first_of_an_ensemble_is_what_its_seed_gives_alone() -> None:
    x, y = blobs(50)
    options: dict[str, Any] = {"mixup": 0.5, "epochs": 3, "dtype": "float64"}
    alone = bl.fit(mlp(), x, y, **options).network.params
    together = bl.fit(mlp(), x, y, ensemble=3, **options).network.params
    for part in alone:
        for name, value in alone[part].items():
            np.testing.assert_allclose(together["0"][part][name], value, rtol=1e-9)
    assert not np.allclose(together["0"]["0"]["weight"], together["1"]["0"]["weight"])


def test_resuming_gives_the_same_bits(tmp_path) -> None:
    x, y = blobs(50)
    whole = bl.fit(mlp(), x, y, mixup=0.3, epochs=6)
    bl.fit(mlp(), x, y, mixup=0.3, epochs=3, checkpoint=tmp_path / "run")
    resumed = bl.fit(mlp(), x, y, mixup=0.3, epochs=6, checkpoint=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(weights(whole), weights(resumed))
    with pytest.raises(InputError, match=r"mixup: then 0\.3, now 0\.4"):
        bl.fit(mlp(), x, y, mixup=0.4, epochs=8, checkpoint=tmp_path / "run", resume=True)


def test_divergence_is_told_with_mixup_on() -> None:
    x, y = blobs(30)
    run = bl.fit(bl.Linear(1), x, y.astype(float), mixup=0.5, epochs=400, optimizer=bl.SGD(50.0))
    assert run.stopped == "diverged"
    assert run.diverged.layer


def test_metrics_are_of_the_rows_own_targets_and_validation_isnt_mixed() -> None:
    x, y = blobs(60)
    run = bl.fit(mlp(), x, y, mixup=1.0, validation=(x, y), epochs=40, optimizer=bl.Adam(0.02))
    last = run.history[-1]
    assert last["val_accuracy"] == run.evaluate(x, y)["accuracy"] > 0.9
    assert last["val_loss"] == pytest.approx(run.evaluate(x, y)["loss"], rel=1e-5)
    assert last["accuracy"] < last["val_accuracy"]
    assert last["loss"] > last["val_loss"]


def test_learning_rate_range_test_takes_mixup() -> None:
    x, y = blobs()
    assert bl.lr_find(mlp(), x, y, mixup=0.2).suggestion > 0


def test_refuses_whole_numbers_and_other_alphas() -> None:
    with pytest.raises(InputError, match="takes whole numbers, such as an embedding's indices, which can't be mixed"):
        bl.fit(bl.Sequential(bl.Embedding(5, 2), bl.Flatten(), bl.Linear(2)), [[1, 2], [3, 4]], [0, 1], mixup=0.2)
    for wrong in (-0.1, float("nan"), float("inf"), True, "some", None):
        with pytest.raises(InputError, match="mixup must be a number of at least 0"):
            bl.fit(mlp(), *blobs(), mixup=wrong)
