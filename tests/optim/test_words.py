"""Optimizers and schedules by word: what they mean, beside PyTorch's, and what is said of a part that doesn't fit."""

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import optim
from backlit.errors import InputError
from backlit.optim.words import WORDS, schedule_of, schedule_words

LR = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("momentum:0.95", optim.Momentum(0.1, momentum=0.95)),
        ("nesterov:momentum=0.8", optim.Nesterov(0.1, momentum=0.8)),
        ("adam:beta1=0.8,beta2=0.99", optim.Adam(0.1, beta1=0.8, beta2=0.99)),
        ("sgd:0.9,nesterov=true,weight_decay=1e-3", optim.SGD(0.1, 0.9, nesterov=True, weight_decay=1e-3)),
        ("rmsprop:decay=0.9,centered=true", optim.RMSprop(0.1, decay=0.9, centered=True)),
        ("lbfgs:memory=5", optim.LBFGS(0.1, memory=5)),
    ],
)
def test_a_name_brings_settings(word, made):
    assert optim.get(word, learning_rate=0.1) == made


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("momentu:0.9", "did you mean 'momentum'"),
        ("momentum:1.5", "momentum must be a number in (0, 1)"),
        ("momentum:fast", "momentum must be a number, true or false, got 'fast'"),
        ("adam:bta1=0.9", "unknown setting of adam 'bta1'; did you mean 'beta1'"),
        ("adam:beta1=0.9,0.99", "'0.99' is no setting; adam takes beta1=0.9"),
        ("adam:beta1=0.9,beta1=0.8", "beta1 is given twice"),
        ("gradient_descent:0.9", "takes no settings"),
        ("least_squares:1", "takes no settings"),
    ],
)
def test_a_part_that_does_not_fit_is_named(word, message):
    with pytest.raises(InputError) as told:
        optim.get(word)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


UPDATES, EPOCHS, RATE = 7, 12, 0.4
PUBLISHED = {
    "cosine": lambda o: LR.CosineAnnealingLR(o, UPDATES * EPOCHS),
    "cosine:0.25": lambda o: LR.CosineAnnealingLR(o, UPDATES * EPOCHS, 0.25 * RATE),
    "step:3": lambda o: LR.StepLR(o, 3 * UPDATES),
    "step:0.5,0.7": lambda o: LR.StepLR(o, 4, 0.7),
    "exponential:0.9": lambda o: LR.ExponentialLR(o, 0.9 ** (1 / UPDATES)),
    "inverse:0.2": lambda o: LR.LambdaLR(o, lambda t: 1 / (1 + 0.2 * t / UPDATES)),
    "onecycle:0.25": lambda o: LR.OneCycleLR(o, RATE, UPDATES * EPOCHS, pct_start=0.25, cycle_momentum=False),
    "warmup:2,0.1": lambda o: LR.LinearLR(o, 0.1, 1.0, 2 * UPDATES),
    "warmup:2,0.1 cosine": lambda o: LR.SequentialLR(
        o,
        [LR.LinearLR(o, 0.1, 1.0, 2 * UPDATES), LR.CosineAnnealingLR(o, UPDATES * (EPOCHS - 2))],
        [2 * UPDATES],
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("words", PUBLISHED)
def test_schedules_count_in_epochs(words):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    scheduler = PUBLISHED[words](optimizer)
    rates = []
    for _ in range(UPDATES * EPOCHS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    ours = schedule_of(words, RATE, UPDATES, EPOCHS)
    np.testing.assert_allclose([ours(t) for t in range(UPDATES * EPOCHS)], rates, rtol=1e-9, atol=1e-12)


def test_a_plateau_is_told_its_patience_and_factor():
    assert schedule_of("plateau:3,0.5", 0.1, 10, 20) == optim.ReduceOnPlateau(0.1, patience=3, factor=0.5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "expected one of cosine"),
        ("cosin", "did you mean 'cosine'"),
        ("step", "expected step:EPOCHS"),
        ("step:0", "expected step:EPOCHS"),
        ("step:3,0.5,1", "expected step:EPOCHS"),
        ("exponential:x", "expected exponential:FACTOR"),
        ("cosine step:3", "expected one of cosine"),
        ("warmup", "expected warmup:EPOCHS"),
        ("warmup:nan", "expected warmup:EPOCHS"),
        ("warmup:3 plateau", "can't follow a warm-up"),
    ],
)
def test_a_word_that_does_not_fit_is_named(words, message):
    for ask in (schedule_words, lambda words: bl.fit(bl.Linear(1), [[0.0]], [0.0], schedule=words)):
        with pytest.raises(InputError) as told:
            ask(words)
        assert message in str(told.value)
        assert "\n" not in str(told.value)


def test_every_word_tells_its_usage():
    for name, word in WORDS.items():
        assert word.usage.startswith(name)


def test_training_follows_the_words():
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)
    options = {"epochs": 6, "batch_size": 4, "engine": "numpy", "probes": None}
    by_word = bl.fit(bl.Linear(1), x, y, optimizer="momentum:0.8", schedule="warmup:2 cosine", **options)
    rate = optim.WarmUp(optim.Cosine(0.01, steps=20), steps=10)
    by_hand = bl.fit(bl.Linear(1), x, y, optimizer=optim.Momentum(rate, momentum=0.8), **options)
    assert by_word.history["loss"] == by_hand.history["loss"]
    assert by_word.settings["optimizer"] == by_hand.settings["optimizer"]


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [(optim.Adam(optim.Constant(0.1)), "is Constant(start=0.1) already"), ("least_squares", "has no learning rate")],
)
def test_a_schedule_needs_a_rate_to_change(optimizer, message):
    with pytest.raises(InputError) as told:
        bl.fit(bl.Linear(1), [[0.0], [1.0]], [0.0, 1.0], optimizer=optimizer, schedule="cosine")
    assert message in str(told.value)


def test_one_cycle_of_few_updates_isnt_refused():
    rates = [schedule_of("onecycle:0.1", 0.1, updates=1, epochs=3)(t) for t in range(3)]
    assert rates[0] < max(rates) <= 0.1
