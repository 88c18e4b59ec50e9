"""Korean labels of pictures on the Korean pages: by the words that the report and drawings have, and some more."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from summaries import korean

from backlit.report.labels import Patterns, patterns


def draw_them() -> None:
    """From now on, figures and drawings that are saved have their known labels in Korean; to the process's end."""
    from matplotlib.figure import Figure

    from backlit.inspect.draw.drawing import Drawing
    from backlit.lessons.pictures import labels_in  # here, so that what is read meanwhile is seen: `running.watched`

    save, keep = Figure.savefig, Drawing.save

    def savefig(figure: Figure, *args: Any, **options: Any) -> None:
        with labels_in(figure, "ko", more()):
            save(figure, *args, **options)

    def save_in_korean(drawing: Drawing, path: str | Path) -> Path:
        return keep(drawing.within("ko"), path)

    Figure.savefig = savefig  # type: ignore[method-assign]
    Drawing.save = save_in_korean  # type: ignore[method-assign]


@cache
def more() -> Patterns:
    """Labels that a report has not."""
    return patterns(korean("labels"))
