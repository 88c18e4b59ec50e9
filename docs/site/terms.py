"""The words of the glossary, as their file has them, and where each stands on its page."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "src" / "backlit" / "lessons" / "glossary.toml"


@cache
def terms() -> list[dict[str, Any]]:
    """The words."""
    return list(tomllib.loads(FILE.read_text(encoding="utf-8"))["term"])


def anchor(term: dict[str, Any]) -> str:
    """The place of a word on the page."""
    return re.sub(r"[^a-z]+", "-", term["en"].lower())
