"""Labels of figures in Korean, for the Korean pages: by the words that the report has for them, and some more."""

from __future__ import annotations

from functools import cache
from typing import Any

from summaries import korean

from backlit.report.labels import Patterns, matched, patterns, translated


def draw_them() -> None:
    """From now on, figures that are saved have their known labels in Korean."""
    from matplotlib.figure import Figure

    save = Figure.savefig

    def savefig(figure: Figure, *args: Any, **options: Any) -> None:
        put_into_korean(figure)
        save(figure, *args, **options)

    Figure.savefig = savefig  # type: ignore[method-assign]


@cache
def more() -> Patterns:
    """Labels that a report has not."""
    return patterns(korean("labels"))


def put_into_korean(figure: Any) -> int:
    """Put a figure's known labels into Korean; how many there were."""
    from matplotlib.text import Text

    known = 0
    for text in figure.findobj(Text):
        english = text.get_text()
        told = (translated(english, "ko") or matched(english, more())) if english else None
        if told is not None:
            text.set_text(told)
            known += 1
    return known
