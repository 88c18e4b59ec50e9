"""A run as one HTML page: works offline, in English and Korean, on a phone, on paper."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Any

from backlit._version import __version__
from backlit.languages import NAMES, check_language
from backlit.report.numerals import percent, short
from backlit.report.texts import known, say

__all__ = ["report"]


def report(run: Any, lang: str = "en", pictures: Path | None = None) -> str:
    """A run's report as an HTML page that needs no other file, script or network.

    Parameters
    ----------
    run : Run
        Whatever it has is told of: a judgement, probes, a config.
    lang : "en" or "ko"
        The language that is shown first; the page has both, and a switch.

    pictures : path, optional
        The folder of pictures that it was trained on, so that those that it mistakes are shown. A run that was trained
        in this process knows it; what a folder's files name isn't opened.

    Returns
    -------
    str
        The page, to be written as UTF-8.

    Raises
    ------
    UnknownNameError
        If the report isn't written in that language.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=2)
    >>> page = report(run, lang="ko")
    >>> "<title>학습 보고서: Linear</title>" in page, "Learning curves" in page, "<script" in page
    (True, True, False)
    """
    from backlit.report import content, inside  # what draws: who prints a result needs this room's words alone
    from backlit.report.findings import findings
    from backlit.report.mistakes import mistakes
    from backlit.report.reproduce import reproduce

    check_language(lang)
    name = content.name_of(run)
    return str(
        template("report.html").render(
            lang=lang,
            languages=NAMES,
            title=say("title", name=name).within(lang),
            name=name,
            date=time.strftime("%Y-%m-%d %H:%M"),
            version=__version__,
            verdict=content.verdict(run),
            keys=content.keys(run),
            findings=findings(run),
            judged=bool(content.judged(run).scores),
            rows=short(content.judged(run).rows),
            data=content.data(run),
            network=content.network(run),
            result=content.result(run),
            last=content.last(run),
            pictures=inside.of_result(run),
            curves=inside.curves(run),
            best_epoch=run.best_epoch,
            inside=inside.of_probes(run),
            mistakes=mistakes(run, pictures),
            reproduce=reproduce(run),
        )
    )


@functools.cache
def template(name: str) -> Any:
    """A template of the room's, which escapes all that it is given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("backlit.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(say=say, known=known, percent=percent)
    return environment.get_template(name)
