"""Korean pictures beside those that a page's own code draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def draw_them_too() -> None:
    """From now on, whatever is saved as "x.png" is also saved as "x.ko.png", labels in Korean; to the process's end."""
    from matplotlib.figure import Figure

    from backlit.inspect.draw.drawing import Drawing
    from backlit.lessons.pictures import labels_in

    save, keep = Figure.savefig, Drawing.save

    def savefig(figure: Figure, path: str | Path, **options: Any) -> None:
        save(figure, path, **options)
        with labels_in(figure, "ko"):
            save(figure, korean(path), **options)

    def save_drawing(drawing: Drawing, path: str | Path) -> Path:
        keep(drawing.within("ko"), korean(path))
        return keep(drawing, path)

    Figure.savefig = savefig  # type: ignore[assignment]
    Drawing.save = save_drawing  # type: ignore[method-assign]


def korean(path: str | Path) -> Path:
    """Where the Korean picture is beside the English one."""
    return Path(path).with_suffix(f".ko{Path(path).suffix}")
