"""What counting tells of the next token: rivals that need no network."""

from __future__ import annotations

import numpy as np

ORDER = 6  # tokens that a count is of: five before and the one that follows
MOST = 2_000_000  # training tokens that are counted, the last ones: a second or two for each million


def ngram_loss(train: np.ndarray, test: np.ndarray, size: int, order: int = ORDER) -> float:
    """Cross entropy, in nats, of test tokens by the up to `order` - 1 before, from counts in the training text.

    Counts of longer contexts are mixed with those of shorter ones by how many different tokens followed: with c times
    of context h and T(h) kinds of tokens after it, ``P(w | h) = (c(h w) + T(h) · P(w | h')) / (c(h) + T(h))``, where h'
    is h without its first token; below all, every token is equally likely. I. H. Witten and T. C. Bell, "The
    zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991, method C.

    Parameters
    ----------
    train, test : int arrays
        Token numbers from 0 to size - 1.

    Examples
    --------
    >>> often = np.tile([0, 1, 2], 100)
    >>> ngram_loss(often, often[:30], size=3) < 0.1 < ngram_loss(often, often[29::-1], size=3)
    True
    """
    train = train[-MOST:].astype(np.int64)
    before = np.concatenate([train, test.astype(np.int64)])
    split = len(train)
    context = np.zeros(len(before), np.int64)  # numbers the tokens before each place, none at first
    chance = np.full(len(test), 1.0 / size)
    for length in range(order):
        if length:
            # Also of the token that stands `length` places before; `size` where the text hadn't begun.
            token = np.full(len(before), size, np.int64)
            token[length:] = before[:-length]
            token[split : split + length] = size
            context = np.unique(context * (size + 1) + token, return_inverse=True)[1]
        seen, wanted = context[:split], context[split:]
        pairs, counts = np.unique(seen * size + train, return_counts=True)
        total = np.bincount(seen, minlength=len(before))[wanted]
        kinds = np.bincount(pairs // size, minlength=len(before))[wanted]
        keys = wanted * size + before[split:]
        at = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
        found = np.where(pairs[at] == keys, counts[at], 0)
        known = total > 0
        chance[known] = ((found + kinds * chance) / np.maximum(total + kinds, 1))[known]
    return float(-np.log(chance).mean())


def pairs_loss(train: np.ndarray, test: np.ndarray, size: int) -> float:
    """Cross entropy, in nats, of test tokens by the one before: counts of pairs, mixed with each token's own share."""
    alone = np.bincount(train, minlength=size) + 0.1
    alone = alone / alone.sum()
    places, counts = np.unique(train[:-1].astype(np.int64) * size + train[1:], return_counts=True)
    first = np.bincount(train[:-1], minlength=size)
    wanted = test[:-1].astype(np.int64) * size + test[1:]
    at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    seen = np.where(places[at] == wanted, counts[at], 0)
    mix = 5.0  # pairs that the shares stand for
    return float(-np.log((seen + mix * alone[test[1:]]) / (first[test[:-1]] + mix)).mean())
