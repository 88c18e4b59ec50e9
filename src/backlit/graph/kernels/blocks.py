"""Work in blocks that stay in the processor's cache."""

from __future__ import annotations


def block(batch: int, bytes_each: int, above: int = 8 << 20, size: int = 4 << 20) -> int:
    """How many examples to work on at a time, so that what is made of each stays in the cache; a divisor of `batch`.

    All at once up to `above` bytes. The patches of a convolution are many times larger than its input: in one
    piece they go through main memory, which takes about twice as long as the product itself.
    """
    if batch * bytes_each <= above:
        return batch
    most = max(size // bytes_each, 1)
    return max(n for n in range(1, most + 1) if batch % n == 0)
