"""The comments behind remedies' code in other languages: clauses that are told once, or follow a pattern."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import Any

from backlit.doctor.repair import words
from backlit.languages import Said, Template

_PATTERNS = (  # of clauses with the present value
    (re.compile(r"it was (.+)"), Template("it was {0}", "이전 값: {0}")),
    (re.compile(r"the rate was (.+)"), Template("the rate was {0}", "이전 학습률: {0}")),
    (re.compile(r"from lr=(.+)"), Template("from lr={0}", "lr={0}에서 시작")),
    (re.compile(r"(\w+) was (.+)"), Template("{0} was {1}", "이전 {0}: {1}")),
)
_SIGN = re.compile(r"(^|  )# ")


@functools.cache
def _clauses() -> dict[str, str]:
    told = tomllib.loads(resources.files(__package__).joinpath("ko.toml").read_text(encoding="utf-8"))
    changes = [each for each in vars(words).values() if isinstance(each, Template) and not each.places("en")]
    return told | {each.en: each.ko for each in changes}


def clause(text: str) -> str | None:
    """A clause in Korean; None if it isn't known.

    Examples
    --------
    >>> clause("before splitting"), clause("batch_size was 2")
    ('나누기 전에', '이전 batch_size: 2')
    """
    if text in _clauses():
        return _clauses()[text]
    for pattern, template in _PATTERNS:
        if found := pattern.fullmatch(text):
            return template.ko.format(*found.groups())
    return None


def commented(code: Any) -> Said:
    """A line of code whose comment is told in each language; where a clause isn't known, in English.

    Examples
    --------
    >>> commented("x = 1  # before splitting; why?").within("ko")
    'x = 1  # 나누기 전에; why?'
    """
    if isinstance(code, Said):
        return code
    text = str(code)
    found = _SIGN.search(text)
    if found is None:
        return Said({"en": text, "ko": text})
    clauses = text[found.end() :].split("; ")
    korean = "; ".join(clause(each) or each for each in clauses)
    return Said({"en": text, "ko": text[: found.end()] + korean})
