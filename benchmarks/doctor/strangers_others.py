"""Pictures, texts and series of the cases that a stranger made; the texts are Python's own library."""

from __future__ import annotations

import inspect
import json
import statistics
import string
import textwrap
import unicodedata
from typing import Any

import numpy as np

from benchmarks.doctor.strangers_tables import Maker, digits, in_parts, mixed

OTHERS: dict[str, Maker] = {}


def other(make: Maker) -> Maker:
    """A maker that cases know by its name."""
    OTHERS[make.__name__] = make
    return make


# Pictures


@other
def digits_flat(rng: np.random.Generator) -> Any:
    x, y = digits(rng)
    return x[:900] / 16, y[:900]


@other
def digits_bytes(rng: np.random.Generator) -> Any:
    x, y = digits(rng)
    return x[:900] / 16 * 255, y[:900]


@other
def digit_pictures(rng: np.random.Generator) -> Any:
    x, y = digits(rng)
    return (x[:900] / 16).reshape(-1, 8, 8, 1), y[:900]


@other
def digits_reshaped_wrongly(rng: np.random.Generator) -> Any:
    """Read as columns and folded as rows: each row is made of many pictures."""
    x, y = digits(rng)
    return (x[:900] / 16).T.reshape(900, 64), y[:900]


@other
def digits_few_eights(rng: np.random.Generator) -> Any:
    x, y = digits(rng)
    keep = (y != 8) | (np.cumsum(y == 8) <= 25)
    return x[keep][:1200] / 16, y[keep][:1200]


@other
def digits_held_rotated(rng: np.random.Generator) -> Any:
    x, y = digits(rng)
    x, y, held, right = in_parts((x[:1000] / 16).reshape(-1, 8, 8, 1), y[:1000])
    return x, y, (np.rot90(held, axes=(1, 2)).copy(), right)


@other
def digits_six_is_nine(rng: np.random.Generator) -> Any:
    """Whoever labelled the held-out part called nines sixes and sixes nines."""
    x, y = digits(rng)
    x, y, held, right = in_parts(x[:1200] / 16, y[:1200])
    return x, y, (held, np.where(right == 6, 9, np.where(right == 9, 6, right)))


@other
def checks(rng: np.random.Generator) -> Any:
    """Stripes, upright or across, on noise."""
    y = rng.integers(0, 2, 500)
    stripes = np.tile(np.array([1.0, -1.0]), 4)
    phase = rng.choice([-1, 1], 500)[:, None, None]
    x = phase * np.where(
        y[:, None, None] == 1,
        stripes[None, :, None] + np.zeros((1, 1, 8)),
        stripes[None, None, :] + np.zeros((1, 8, 1)),
    )
    return (0.7 * x + rng.normal(size=x.shape))[..., None], y


# Text of Python's own library

LETTERS = {letter: 2 + i for i, letter in enumerate(string.ascii_lowercase + " _.,()=\n:\"'")}  # 0 padding, 1 unknown


def source(*modules: Any) -> list[str]:
    return [inspect.getsource(module).lower() for module in modules]


def coded(text: str) -> np.ndarray:
    return np.array([LETTERS.get(letter, 1) for letter in text])


def windows(codes: np.ndarray, length: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    starts = rng.integers(0, len(codes) - length, rows)
    return codes[starts[:, None] + np.arange(length)]


@other
def two_modules(rng: np.random.Generator) -> Any:
    """Forty letters: from a module on statistics, or one on wrapping text."""
    parts = [windows(coded(text), 40, 350, rng) for text in source(statistics, textwrap)]
    return mixed(rng, np.concatenate(parts), np.repeat([0, 1], 350))


@other
def two_modules_capitals(rng: np.random.Generator) -> Any:
    """The held-out texts came in capitals, of which the table knows none."""
    x, y, held, right = in_parts(*two_modules(rng))
    return x, y, (np.where((held >= 2) & (held < 28), 1, held), right)


@other
def next_letter(rng: np.random.Generator) -> Any:
    """Five letters, and the sixth."""
    taken = windows(coded(source(textwrap)[0]), 6, 2500, rng)
    return taken[:, :5], taken[:, 5]


@other
def next_letter_slip(rng: np.random.Generator) -> Any:
    """Five letters, and what should have been the sixth: it is the fifth once more."""
    taken = windows(coded(source(textwrap)[0]), 6, 1500, rng)
    return taken[:, :5], taken[:, 4]


@other
def code_or_words(rng: np.random.Generator) -> Any:
    """Lines of a module: a definition or something else, filled up with 0 to sixty at the end."""
    lines = [line.strip() for text in source(statistics, textwrap, json.decoder, inspect) for line in text.splitlines()]
    lines = [line for line in lines if 8 < len(line) < 60]
    y = np.array([int("=" in line or "(" in line) for line in lines])
    keep = np.concatenate([rng.permutation(np.flatnonzero(y == k))[:400] for k in (0, 1)])
    x = np.zeros((len(keep), 60), int)
    for row, which in enumerate(keep):
        codes = coded(lines[which])
        x[row, : len(codes)] = codes
    return mixed(rng, x, y[keep])


@other
def ends_cut_off(rng: np.random.Generator) -> Any:
    """Whether the last word is longer than three letters; of each line the first five letters are kept."""
    words = [word for text in source(statistics, textwrap, inspect) for word in text.split() if word.isalpha()]
    starts = rng.integers(0, len(words) - 6, 900)
    lines = [words[s : s + 6] for s in starts]
    x = np.array([coded(" ".join(line).ljust(40)[:5]) for line in lines])
    return x, np.array([int(len(line[-1]) > 3) for line in lines])


@other
def hangul(rng: np.random.Generator) -> Any:
    """Korean syllables, two letters each as their number: whether the second ends in a consonant."""
    first, second = rng.integers(0, 11172, (2, 1200))
    second = np.where(rng.random(1200) < 0.5, second // 28 * 28, second)
    parts = [[unicodedata.normalize("NFD", chr(0xAC00 + s)) for s in pair] for pair in zip(first, second, strict=True)]
    x = np.array([[ord(letter) - 0x1100 + 1 for one in pair for letter in (one + "\u10ff")[:3]] for pair in parts])
    return x, np.array([int(len(pair[1]) == 3) for pair in parts])


@other
def hangul_text(rng: np.random.Generator) -> Any:
    """Names of Korean syllables, spelled in Latin letters: the vowel tells the class."""
    codes = rng.integers(0, 11172, 1200)
    codes = np.where(rng.random(1200) < 0.5, codes // 28 * 28, codes)
    names = [unicodedata.name(chr(0xAC00 + c)).rsplit(" ", 1)[1].lower() for c in codes]
    x = np.zeros((1200, 8), int)
    for row, name in enumerate(names):
        letters = coded(name)[:8]
        x[row, : len(letters)] = letters
    return x, np.array([int(name[-1] in "aeiou") for name in names])


# Series


def lags(series: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    rows = len(series) - length
    return series[np.arange(rows)[:, None] + np.arange(length)][..., None], series[length:]


@other
def autoregressive(rng: np.random.Generator) -> Any:
    z = rng.normal(size=900)
    series = np.zeros(900)
    for t in range(2, 900):
        series[t] = 1.3 * series[t - 1] - 0.6 * series[t - 2] + z[t]
    return lags(series / series.std(), 12)


@other
def two_seasons(rng: np.random.Generator) -> Any:
    """A year of twelve, a little noise; the last quarter is held out."""
    t = np.arange(700)
    x, y = lags(np.sin(2 * np.pi * t / 12) + 0.4 * np.sin(2 * np.pi * t / 5) + 0.1 * rng.normal(size=700), 16)
    x, y, held, right = in_parts(x, y)
    return x, y, (held, right)


@other
def trend_held_out(rng: np.random.Generator) -> Any:
    """Sales that grow; the last quarter, held out, is far above all that was seen."""
    t = np.arange(700)
    series = 0.01 * t + np.sin(2 * np.pi * t / 12) + 0.1 * rng.normal(size=700)
    x, y = lags(series, 8)
    level = x[:500].mean()
    x, y, held, right = in_parts(x - level, y - level)
    return x, y, (held, right)


@other
def series_answers_itself(rng: np.random.Generator) -> Any:
    """The window was cut one step too late: its last step is the number to predict."""
    z = rng.normal(size=800)
    series = np.convolve(z, [1, 0.5, 0.25], "valid")
    x, _ = lags(series, 10)
    return x, x[:, -1, 0]


@other
def walk(rng: np.random.Generator) -> Any:
    """Tomorrow's price less today's, from the last ten: a random walk."""
    steps = rng.normal(size=900)
    x, y = lags(steps, 10)
    return x, y


@other
def remember_first(rng: np.random.Generator) -> Any:
    """A mark at the first of seventy steps, noise behind it."""
    y = rng.integers(0, 2, 500)
    x = 0.3 * rng.normal(size=(500, 70, 1))
    x[:, 0, 0] += 2 * y - 1
    return x, y


@other
def sum_of_steps(rng: np.random.Generator) -> Any:
    x = rng.normal(size=(600, 40, 1))
    return x, x.mean(axis=(1, 2)) * np.sqrt(40)


@other
def long_then_padding(rng: np.random.Generator) -> Any:
    """Three to six steps, and then nothing up to ninety: which of two ends was larger."""
    x, y = np.zeros((600, 90, 1)), np.zeros(600, int)
    for row in range(600):
        steps = rng.normal(size=rng.integers(3, 7)) + 0.01
        x[row, : len(steps), 0], y[row] = steps, int(steps[-1] > steps[0])
    return x, y


@other
def yes_and_no(rng: np.random.Generator) -> Any:
    """Eight answers, 1 for yes and 0 for no; the class is the last one, and what is 1 was taken for padding."""
    x = rng.integers(0, 2, (600, 8, 1)).astype(float)
    x[:, 0] = 0
    return x, x[:, -1, 0].astype(int)


@other
def echo(rng: np.random.Generator) -> Any:
    """A window of eight numbers: the number is the third, with weights for the others."""
    x = rng.normal(size=(700, 8, 1))
    return x, np.tanh(x[:, 2, 0] + 0.5 * x[:, 6, 0])
