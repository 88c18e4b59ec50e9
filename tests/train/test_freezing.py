"""Parameters that stay as they are, whatever would move them."""

import numpy as np
import pytest

import backlit as bl
from backlit.graph import tree

NETWORK = bl.Sequential(bl.Embedding(6, 3), bl.GlobalAvgPool(), bl.Linear(4), bl.Tanh(), bl.Linear(2))


def trained(freeze, optimizer, engine="numpy", **options):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (40, 5)), rng.integers(0, 2, 40)
    return bl.fit(NETWORK, x, y, epochs=3, optimizer=optimizer, freeze=freeze, engine=engine, probes=None, **options)


@pytest.mark.parametrize("engine", ["numpy", "xla"])
@pytest.mark.parametrize(
    "optimizer",
    [bl.AdamW(0.1, weight_decay=0.5), bl.SGD(0.1, momentum=0.9), bl.chain(bl.ClipGlobalNorm(0.1), bl.RMSprop(0.1))],
)
def test_frozen_parameters_keep_every_bit_and_the_others_move(engine, optimizer):
    start = dict(tree.items(NETWORK.build((5,), seed=0).params))
    after = dict(tree.items(trained("embeddings", optimizer, engine, penalty=bl.L2(0.1)).network.params))
    assert np.asarray(after["0/weight"]).tobytes() == np.asarray(start["0/weight"]).tobytes()
    for path in set(start) - {"0/weight"}:
        assert not np.array_equal(after[path], start[path])


def test_the_others_move_as_if_the_frozen_were_constants():
    """Against training without the first layer, on what it gives: the norm that is clipped has no frozen part."""
    built = NETWORK.build((5,), seed=0)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (40, 5)), rng.integers(0, 2, 40)
    optimizer = bl.chain(bl.ClipGlobalNorm(0.05), bl.Adam(0.1))
    options = {"epochs": 3, "optimizer": optimizer, "engine": "numpy", "dtype": "float64", "probes": None}
    whole = bl.fit(
        built.replace(params=tree.map(lambda leaf: leaf.astype("float64"), built.params)), x, y, freeze="0", **options
    )
    rest = bl.Sequential(*NETWORK.layers[2:]).build((3,), seed=0, dtype="float64")
    table = np.asarray(built.params["0"]["weight"], dtype="float64")
    start = {str(int(key) - 2): tree.map(lambda leaf: leaf.astype("float64"), built.params[key]) for key in ("2", "4")}
    alone = bl.fit(rest.replace(params=start), table[x].mean(axis=1), y, **options)
    for key in ("2", "4"):
        np.testing.assert_allclose(
            whole.network.params[key]["weight"], alone.network.params[str(int(key) - 2)]["weight"], rtol=1e-9
        )


def test_patterns_and_mistakes():
    after = dict(tree.items(trained("*/bias", "adam").network.params))
    assert not np.any(after["2/bias"])
    assert np.any(after["2/weight"])
    with pytest.raises(bl.InputError, match="freeze: no parameter is called '7'; there are 0/weight, "):
        trained("7", "adam")
    with pytest.raises(bl.InputError, match="all parameters would stay"):
        trained(["0", "2", "4"], "adam")


def test_a_frozen_run_is_saved_and_loaded(tmp_path):
    run = trained("embeddings", bl.Adam(0.1))
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.optimizer == run.optimizer
    assert loaded.settings["freeze"] == "embeddings"


def test_a_network_says_what_is_frozen_and_training_keeps_it(tmp_path):
    built = NETWORK.build((5,), seed=0).freeze("embeddings", "2/bias")
    assert built.frozen == ("0/weight", "2/bias")
    table = str(built)
    assert "weight 6×3 frozen" in table
    assert table.splitlines()[-1].endswith("22 frozen")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (40, 5)), rng.integers(0, 2, 40)
    options = {"epochs": 2, "optimizer": bl.AdamW(0.1, weight_decay=0.5), "engine": "numpy", "probes": None}
    run = bl.fit(built, x, y, freeze="4/bias", **options)  # this time also another
    before, after = dict(tree.items(built.params)), dict(tree.items(run.network.params))
    for path, leaf in before.items():
        assert np.array_equal(after[path], leaf) == (path in ("0/weight", "2/bias", "4/bias")), path
    assert run.network.frozen == built.frozen
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.network.frozen == built.frozen
    again = bl.fit(run.network.unfreeze("embeddings"), x, y, **options).network
    assert again.frozen == ("2/bias",)
    assert not np.array_equal(again.params["0"]["weight"], after["0/weight"])
    assert run.network.unfreeze().frozen == ()


def test_freezing_a_network_with_mistakes():
    built = NETWORK.build((5,), seed=0)
    with pytest.raises(bl.InputError, match="freeze: no parameter is called '9'; there are 0/weight"):
        built.freeze("9")
    with pytest.raises(bl.InputError, match="unfreeze: no parameter is called 'head'"):
        built.unfreeze("head")
    with pytest.raises(bl.InputError, match="all parameters would stay"):
        bl.fit(built.freeze("*"), np.zeros((4, 5), int), [0, 1, 0, 1], epochs=1, probes=None)
