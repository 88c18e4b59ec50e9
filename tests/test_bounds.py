"""Limits: declared once, told when they are met with what raises them, raised by an option and in Python."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import backlit as bl
from backlit.bounds import NOUNS, Limits, current, hold, limits, named, require
from backlit.cli.main import main
from backlit.data.pictures import read
from backlit.errors import InputError
from backlit.nn.layer import Layer
from backlit.settings import declared, documentation

NAMES = list(declared(Limits))


def test_each_limit_has_help_a_noun_and_a_line_for_readers():
    assert list(NOUNS) == NAMES
    for name, option in declared(Limits).items():
        assert option.help, name
        assert name in (limits.__doc__ or ""), name
        assert name in documentation(Limits), name


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_that_is_met_says_how_it_is_raised_and_that_raises_it(name):
    amount = getattr(current(), name) + 1
    with pytest.raises(InputError, match=r"it has [\d,]+ \w+, the limit is [\d,]+; if") as refused:
        require(name, amount, "it has")
    typed = re.search(r"--limit (\S+) ", str(refused.value))[1]
    assert f"bl.limits({typed})" in str(refused.value)
    with limits(**named([typed])):
        require(name, amount, "it has")
    with pytest.raises(InputError):
        require(name, amount, "it has")


@pytest.mark.parametrize(
    ("typed", "sizes"),
    [
        ("pixels=1e9", {"pixels": 10**9}),
        ("unpacked=2.5GB,text=10k", {"unpacked": 2_500_000_000, "text": 10_000}),
        ("cells=100_000", {"cells": 100_000}),
    ],
)
def test_sizes_as_they_are_typed(typed, sizes):
    assert named([typed]) == sizes


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("pixel=3", "did you mean 'pixels'"),
        ("pixels", "expected one such as unpacked=2GB"),
        ("pixels=", "expected one such as"),
        ("pixels=-1", "expected one such as"),
        ("pixels=0", "pixels must be a whole number"),
        ("pixels=1e99", "."),
        ("=3", "unknown option"),
    ],
)
def test_what_is_no_limit_is_told(typed, message, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["backlit", "show", "--limit", typed, "nowhere"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert re.search(message, capsys.readouterr().err)
    assert current() == Limits()


def test_threads_are_given_the_limits(tmp_path):
    Image.new("L", (40, 50)).save(tmp_path / "a.png")
    with limits(pixels=100), pytest.raises(InputError, match="40 × 50 make 2,000 pixels, the limit is 100"):
        read([tmp_path / "a.png"])
    with ThreadPoolExecutor(1, initializer=hold, initargs=(Limits(cells=7),)) as pool:
        assert pool.submit(current).result().cells == 7


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (bl.Linear(10**10), "the network has .*weights.*--limit parameters="),
        (
            bl.Sequential(bl.Linear(200_000), bl.Linear(10**4)),
            "the network has 2,0.* weights, the limit is 500,000,000",
        ),
        (bl.Sequential(*[bl.ReLU()] * 3000), "at least 2,001 layers, the limit is 2,000; .*--limit layers=2001"),
    ],
)
def test_a_network_beyond_measure_is_refused_before_it_is_made(network: Layer, message):
    with pytest.raises(InputError, match=message):
        network.build((4,))


def test_layers_in_layers_beyond_measure():
    network = bl.ReLU()
    for _ in range(150):
        network = bl.Sequential(network)
    with pytest.raises(InputError, match="layers in layers, at least 101 levels, the limit is 100"):
        network.build((4,))
    with limits(nesting=200):
        assert network.build((4,))(np.ones((1, 4), np.float32)).shape == (1, 4)
