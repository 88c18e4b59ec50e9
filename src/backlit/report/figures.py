"""Pictures within the page: figures as SVG whose ids are its own, rows that are pictures as PNG."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from backlit.inspect.draw.drawing import Drawing
from backlit.inspect.plots.style import COLOURS, MARKERS, figure, label, picture
from backlit.languages import NAMES
from backlit.report.labels import in_each_language, mark_given

THUMBNAIL = 96  # pixels
_SETTINGS = {"svg.fonttype": "none"}  # text stays text: small, searchable, and in the reader's fonts


def svg(made: Any, name: str, caption: str) -> Markup:
    """A figure as an SVG element.

    Parameters
    ----------
    made : matplotlib.figure.Figure
    name : str
        What its ids begin with, unique on the page.
    caption : str
        Id of the element that says what is to be seen.
    """
    from matplotlib import rc_context

    written = io.StringIO()
    mark_given(made)
    with rc_context(_SETTINGS | {"svg.hashsalt": name}):
        made.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = in_each_language(text)
    text = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' d="[^"]*"', lambda path: _rounded(path.group()), text)
    width, height = (float(size) for size in re.findall(r' (?:width|height)="([\d.]+)pt"', text)[:2])
    head = f'<svg role="img" aria-labelledby="{caption}" style="--wide: {width:.0f}px" viewBox="0 0 {width} {height}"'
    text = re.sub(r"^<svg[^>]*>", f'{head} xmlns:xlink="http://www.w3.org/1999/xlink">', text)
    return Markup(text)  # noqa: S704, matplotlib escapes what stands in figures


def inlined(drawing: Drawing) -> Markup:
    """A drawing as SVG elements that shrink with the page, one for each language: also what is heard has one."""
    width, height = drawing.scene.width, drawing.scene.height
    head = f'<svg style="--wide: {width:.0f}px" viewBox="0 0 {width:.0f} {height:.0f}"'
    begin = re.compile(r'^<svg([^>]*?) viewBox="[^"]*" width="[^"]*" height="[^"]*"')
    each = {lang: begin.sub(rf"{head}\1", drawing.within(lang).svg) for lang in NAMES}
    text = "".join(f'<div class="t" lang="{lang}">{svg}</div>' for lang, svg in each.items())
    return Markup(text)  # noqa: S704, names are escaped where the drawing is written


def _rounded(path: str) -> str:
    """Coordinates to a hundredth of a point, without line ends."""
    return re.sub(r"(\d\.\d\d)\d+", r"\1", path).replace("\n", " ")


def thumbnail(pixels: Path | Any) -> str | None:
    """A picture file, or grey levels or colours (height, width[, channels]) of any range, as a data URI.

    None if the file isn't there or can't be read.
    """
    from PIL import Image

    from backlit.data.pictures.decoding import BROKEN, opened

    try:
        with opened(pixels if isinstance(pixels, Path) else Image.fromarray(_bytes(np.asarray(pixels)))) as shown:
            image = shown.convert("RGB" if shown.mode not in ("L", "1") else "L")
    except BROKEN:  # InputError is one of them
        return None
    times = THUMBNAIL / max(image.size)
    size = [max(1, round(side * times)) for side in image.size]
    image = image.resize(size, Image.Resampling.NEAREST if times > 1 else Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def _bytes(pixels: np.ndarray) -> np.ndarray:
    low, high = pixels.min(), pixels.max()
    scaled = ((pixels - low) / ((high - low) or 1) * 255).astype(np.uint8)
    return scaled[..., 0] if scaled.ndim == 3 and scaled.shape[-1] == 1 else scaled


@picture
def errors_by_step(steps: list[dict[str, Any]]) -> Any:
    """Mean absolute error of each forecast by step ahead; `steps` is a judgement's."""
    made, axis = figure(width=6.4, height=3.4)
    numbers = [row["step"] for row in steps]
    for place, name in enumerate(key for key in steps[0] if key != "step"):
        line = {"linewidth": 2.2} if place == 0 else {"linewidth": 1.2, "linestyle": "--"}
        marker = MARKERS[place % 8] if len(steps) <= 40 else None
        values = [row[name]["mae"] for row in steps]
        axis.plot(numbers, values, color=COLOURS[place % 8], marker=marker, markersize=4, label=label(name), **line)
    axis.set(xlabel="steps ahead", ylabel="mean absolute error")
    axis.set_ylim(bottom=0)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(frameon=False, fontsize=8)
    return made
