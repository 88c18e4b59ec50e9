"""Texts of this machine by where they are from: manual pages by section, Korean messages by program; beside TF-IDF."""

from __future__ import annotations

import gettext
import gzip
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import backlit as bl

MANUALS, MESSAGES = Path("/usr/share/man"), Path("/usr/share/locale/ko/LC_MESSAGES")
PROGRAMS = ("git", "bash", "coreutils", "glib20", "gtk20", "gettext-tools", "dpkg", "apt", "make", "libc", "wget")
MOST = 450  # texts of a class
NAME = re.compile(r'\.S[Hh] "?NAME"?\s*\n((?:.*\n){1,4}?)\.S[Hh]')
WAYS = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


def manuals() -> Iterator[tuple[str, str]]:
    """What pages of the manual are about, and their section."""
    for section in "123578":
        for path in sorted((MANUALS / f"man{section}").glob("*.gz")):
            with gzip.open(path, "rt", errors="replace") as file:
                found = NAME.search(file.read(20_000))
            if found:
                text = re.sub(r"\\f[A-Z]|^\.\S+ ?|\\", "", found[1].replace(r"\-", "-"), flags=re.MULTILINE)
                yield " ".join(text.split()).split(" - ", 1)[-1], section


def messages() -> Iterator[tuple[str, str]]:
    """What programs say in Korean, and which program says it."""
    for program in PROGRAMS:
        path = MESSAGES / f"{program}.mo"
        if path.exists():
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog
            for text in sorted({" ".join(str(value).split()) for value in catalogue.values()}):
                if re.search("[가-힣]", text):
                    yield text, program


def table(pairs: Iterator[tuple[str, str]]) -> pl.DataFrame:
    """Texts of 10 to 300 characters, each once, as many of each class at most."""
    kept: dict[str, list[str]] = {}
    seen: set[str] = set()
    for text, kind in pairs:
        if 10 <= len(text) <= 300 and text not in seen:
            seen.add(text)
            kept.setdefault(kind, []).append(text)
    rng, rows = np.random.default_rng(0), []
    for kind, texts in kept.items():
        rows += [(text, kind) for text in rng.permutation(texts)[:MOST].tolist()]
    order = rng.permutation(len(rows))
    return pl.DataFrame([rows[i] for i in order], schema=["text", "kind"], orient="row")


def scores(classes: list, chances: np.ndarray, truth: np.ndarray) -> str:
    """Accuracy and log loss."""
    codes = np.searchsorted(classes, truth)
    loss = -np.log(np.clip(chances[np.arange(len(codes)), codes], 1e-9, 1)).mean()
    return f"{(chances.argmax(axis=1) == codes).mean():.3f} ({loss:.3f})"


def main() -> str:
    """The table as text."""
    lines = [
        "### Texts: accuracy (log loss) on a fifth of them, defaults",
        "",
        "| texts | backlit | TF-IDF, words | TF-IDF, characters | CPU-s |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, pairs in (("manual pages, 6 sections", manuals()), ("Korean messages, 11 programs", messages())):
        frame = table(pairs)
        cut = len(frame) // 5
        test, train = frame[:cut], frame[cut:]
        truth = test["kind"].to_numpy().astype(str)
        begin = time.process_time()
        run = bl.fit(train, target="kind", text="text", split=(0.85, 0.15), seed=0, progress=False)
        spent = time.process_time() - begin
        cells = [scores(run.classes, run.predict_proba(test), truth)]
        for way in WAYS.values():
            seen = TfidfVectorizer(sublinear_tf=True, **way)
            inputs = seen.fit_transform(train["text"].to_list())
            model = LogisticRegression(C=10, max_iter=500).fit(inputs, train["kind"].to_list())
            cells.append(
                scores(list(model.classes_), model.predict_proba(seen.transform(test["text"].to_list())), truth)
            )
        lines.append(f"| {len(frame)} {name} | {' | '.join(cells)} | {spent:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main())
