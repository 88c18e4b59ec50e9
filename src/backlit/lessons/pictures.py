"""What a lesson shows, as the bytes of a PNG file: a matplotlib figure or a drawing of a graph."""

from __future__ import annotations

import io
from typing import Any

from backlit.inspect.draw.drawing import Drawing
from backlit.inspect.draw.png import save_png


def is_picture(value: Any) -> bool:
    """Whether a lesson can show it."""
    return isinstance(value, Drawing) or hasattr(value, "savefig")


def png(picture: Any) -> bytes:
    """A figure or drawing as a PNG file."""
    buffer = io.BytesIO()
    if isinstance(picture, Drawing):
        save_png(picture.scene, buffer)
    else:
        picture.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
