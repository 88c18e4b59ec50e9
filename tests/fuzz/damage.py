"""What happens to files: bits flip, ends are missing, pieces come twice, in another place, or from another file."""

import random

SIZES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]  # that headers may claim


def damaged(rng: random.Random, content: bytes, other: bytes = b"") -> bytes:
    """The content after one to three accidents; `other` is what pieces may be taken from."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = rng.choice(ACCIDENTS)(rng, content, other or content)
    return content


def _bits(rng: random.Random, content: bytes, other: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        if changed:
            changed[_place(rng, changed)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _bytes(rng: random.Random, content: bytes, other: bytes) -> bytes:
    place = _place(rng, content)
    return content[:place] + rng.randbytes(rng.choice([1, 2, 4, 16])) + content[place + rng.choice([0, 1, 4, 16]) :]


def _size(rng: random.Random, content: bytes, other: bytes) -> bytes:
    width, place = rng.choice([1, 2, 4, 8]), _place(rng, content)
    claimed = (rng.choice(SIZES) % 256**width).to_bytes(width, rng.choice(["little", "big"]))
    return content[:place] + claimed + content[place + width :]


def _cut(rng: random.Random, content: bytes, other: bytes) -> bytes:
    return content[: _place(rng, content)]


def _hole(rng: random.Random, content: bytes, other: bytes) -> bytes:
    first, last = sorted((_place(rng, content), _place(rng, content)))
    return content[:first] + content[last:]


def _twice(rng: random.Random, content: bytes, other: bytes) -> bytes:
    first, last = sorted((_place(rng, content), _place(rng, content)))
    return content[:last] + content[first:last] * rng.choice([1, 1, 2, 20]) + content[last:]


def _splice(rng: random.Random, content: bytes, other: bytes) -> bytes:
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _zeros(rng: random.Random, content: bytes, other: bytes) -> bytes:
    place, width = _place(rng, content), rng.choice([1, 16, 512])
    return content[:place] + bytes(width) + content[place + width :]


ACCIDENTS = (_bits, _bits, _bytes, _size, _cut, _hole, _twice, _splice, _zeros)


def _place(rng: random.Random, content: bytes | bytearray) -> int:
    """Anywhere; more often near the ends, where headers and footers are."""
    if not content:
        return 0
    near = min(len(content), 64)
    return rng.choice([rng.randrange(len(content)), rng.randrange(near), len(content) - 1 - rng.randrange(near)])
