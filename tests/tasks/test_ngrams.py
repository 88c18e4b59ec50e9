"""Counting as a rival of networks that go on with a text."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from backlit.tasks.judge.ngrams import ngram_loss


def by_hand(train: list[int], test: list[int], size: int, order: int) -> float:
    """The formula of Witten and Bell, word for word, by dicts."""
    begin = [size] * order  # stands before either text
    counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    whole = begin + train
    for i in range(order, len(whole)):
        for length in range(order):
            counts[tuple(whole[i - length : i])][whole[i]] += 1
    loss, whole = 0.0, begin + test
    for i in range(order, len(whole)):
        chance = 1 / size
        for length in range(order):
            after = counts.get(tuple(whole[i - length : i]))
            if after:
                total, kinds = sum(after.values()), len(after)
                chance = (after[whole[i]] + kinds * chance) / (total + kinds)
        loss -= np.log(chance)
    return loss / len(test)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_loss_is_the_formulas(order: int) -> None:
    rng = np.random.default_rng(order)
    train, test = rng.integers(0, 4, 300), rng.integers(0, 5, 60)  # one token that training never had
    assert ngram_loss(train, test, 5, order) == pytest.approx(
        by_hand(train.tolist(), test.tolist(), 5, order), rel=1e-12
    )


def test_longer_contexts_tell_more_of_a_text_with_structure() -> None:
    text = np.array([ord(c) for c in "the cat sat on the mat and the dog sat on the log. " * 40]) - 32
    losses = [ngram_loss(text[:1500], text[1500:], 96, order) for order in (1, 2, 4, 6)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.2 < 2 < losses[0]
