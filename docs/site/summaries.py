"""The Korean sentences and words that the pages put beside what the code says in English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("summaries.ko.toml")


@cache
def korean(kind: str = "names") -> Mapping[str, str]:
    """What each public name is, or each of the "commands", in a sentence."""
    texts = tomllib.loads(FILE.read_text(encoding="utf-8"))[kind]
    return {name: text.replace("``", "`") for name, text in texts.items()}
