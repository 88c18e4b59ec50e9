"""Texts and word vectors: odd, damaged, in every encoding."""

import gzip
import random
from pathlib import Path

import backlit as bl
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, fuzzer

PIECES = [
    "the",
    "cat",
    "고양이",
    "naïve",
    "😀",
    "a\u0301",
    "\u202e",
    "\0",
    "\x1b[31m",
    "<unk>",
    "\ufeff",
    "\ufffd",
    "\n",
    "\r\n",
    "\t",
    "  ",
    ".",
    "—",
    "x" * 2000,
    "１２",
    "\U0010ffff",
    "\u2028",
    "İ",
    "ß",
]
ENCODINGS = ["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp949", "cp1252", "shift_jis", "utf-32", "koi8-r"]
VALUES = ["0.5", "-1e-3", "1e400", "nan", "x", "", "1,5", "0x1", "1" * 400]


def prose(rng: random.Random) -> str:
    """Words, signs and what gets in between."""
    return "".join(rng.choices([*PIECES, " "], k=rng.choice([0, 1, 20, 300])))


@fuzzer("texts in every encoding, damaged", ci=120)
def texts(case: Case) -> None:
    rng = case.rng
    content = prose(rng).encode(rng.choice(ENCODINGS), "replace")
    Path("t.txt").write_bytes(damaged(rng, content, b"\xff\xfe\x00\xd8") if rng.random() < 0.5 else content)
    encoding = rng.choice([None, None, None, "utf-8", "cp949", "nonsense"])
    read = case.call(bl.data.read_text, "t.txt", encoding)
    if not read:
        return
    tokenizer = case.call(
        bl.data.Tokenizer.learn,
        read,
        *(() if rng.random() < 0.5 else (rng.choice(["words", "characters", "bytes", "jamo"]),)),
    )
    if tokenizer is not None:
        case.call(tokenizer.encode, prose(rng))


@fuzzer("files of word vectors, odd and damaged", ci=120)
def vectors(case: Case) -> None:
    rng = case.rng
    width = rng.choice([1, 2, 5])
    odd = rng.choice([2, 2, 2, 2, 9])
    lines = [
        " ".join([rng.choice(PIECES[: rng.choice([4, 4, 24])]), *rng.choices(VALUES[:odd], k=width)]) for _ in range(6)
    ]
    head = rng.choice([[], [], [], [f"6 {width}"], ["999999999999 999999999"], ["-1 0"], [""]])
    content = "\n".join([*head, *lines]).encode()
    if rng.random() < 0.3:
        content = damaged(rng, content)
    path = Path(rng.choice(["v.vec", "v.txt", "v.txt.gz", "v.vec.gz"]))
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" and rng.random() < 0.8 else content)
    case.call(bl.data.read_vectors, path, rng.choice([None, ["the", "cat"], []]))
