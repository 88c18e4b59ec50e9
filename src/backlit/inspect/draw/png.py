"""A scene as PNG (or PDF), painted by matplotlib: the same picture as the SVG."""

from __future__ import annotations

from typing import Any

from backlit.inspect.draw.scene import PAPER, Box, Curve, Heat, Label, Scene, Shape
from backlit.inspect.plots import style

_DPI = 200  # dots an inch, of 100 of the scene's pixels: sharp in print
_LARGEST = 20_000  # dots on a side; larger pictures are made with fewer dots


def save_png(scene: Scene, path: Any, kind: str = "png") -> None:
    """Write the picture as a file of pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(scene.width / 100, scene.height / 100), facecolor=PAPER)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, scene.width), ylim=(scene.height, 0))
    axis.set_axis_off()
    families = style.fonts()
    for order, shape in enumerate(scene.shapes):
        _paint(axis, shape, order, families)
    figure.savefig(path, format=kind, dpi=min(_DPI, 100 * _LARGEST / max(scene.width, scene.height)))


def _paint(axis: Any, shape: Shape, order: int, families: list[str]) -> None:
    from matplotlib import patches
    from matplotlib.path import Path

    points = 0.72  # of a scene's pixel: 72 points are 100 pixels
    if isinstance(shape, Box):
        radius = min(shape.radius, shape.width / 2, shape.height / 2)
        corners = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
        look: dict[str, Any] = {"facecolor": shape.fill, "edgecolor": shape.stroke, "zorder": order}
        look["linewidth"] = shape.line * points
        dashes = "--" if shape.dashed else "-"
        if radius and abs(shape.width - shape.height) < 1e-6 and radius == shape.width / 2:
            middle = (shape.x + radius, shape.y + radius)
            axis.add_patch(patches.Circle(middle, radius, linestyle=dashes, **look))
        else:
            place = (shape.x, shape.y)
            box = patches.FancyBboxPatch(place, shape.width, shape.height, corners, linestyle=dashes, **look)
            axis.add_patch(box)
    elif isinstance(shape, Curve):
        vertices, codes = [shape.points[0]], [Path.MOVETO]
        for segment in shape.segments():
            vertices += segment
            codes += [Path.CURVE4] * 3
        outline: dict[str, Any] = {"fill": False, "edgecolor": shape.stroke, "alpha": shape.opacity, "zorder": order}
        outline["linewidth"] = shape.line * points
        dashes = "--" if shape.dashed else "-"
        axis.add_patch(patches.PathPatch(Path(vertices, codes), linestyle=dashes, **outline))
        if shape.arrow:
            axis.add_patch(patches.Polygon(shape.head(), facecolor=shape.stroke, linewidth=0, zorder=order))
    elif isinstance(shape, Heat):
        for x, y, w, h, color in shape.cells():
            axis.add_patch(patches.Rectangle((x, y), w, h, facecolor=color, linewidth=0, zorder=order))
        frame = patches.Rectangle((shape.x, shape.y), shape.width, shape.height, fill=False, zorder=order)
        frame.set(edgecolor="#737373", linewidth=0.6 * points)
        axis.add_patch(frame)
    else:
        _write(axis, shape, order, families)


def _write(axis: Any, label: Label, order: int, families: list[str]) -> None:
    side = {"start": "left", "middle": "center", "end": "right"}[label.anchor]
    axis.text(
        label.x,
        label.y,
        style.label(label.text),
        fontsize=label.size * 0.72,
        color=label.color,
        ha=side,
        va="baseline",
        style="italic" if label.italic else "normal",
        weight="bold" if label.bold else "normal",
        family=families,
        zorder=order,
    )
