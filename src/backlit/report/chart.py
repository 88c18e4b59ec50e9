"""Small learning curves as SVG in the colour of the page around them, for notebooks; made without Matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from backlit.report.numerals import short

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 300, 150, 58, 10, 24, 22
MOST = 8  # measures that are shown
POINTS = 300  # of a curve, at most: a screen shows no more
# Blue with a whole line for training, orange and dashed for validation: told apart in grey, and on any ground.
LINES = {"": ("#2f8fd0", ""), "val_": ("#d9772b", "5 3")}
OTHERS = ("epoch", "seconds")


def charts(history: Sequence[Mapping[str, Any]], best_epoch: int | None = None) -> list[Markup]:
    """A chart for each measure of a history, training and validation in one; none for fewer than two epochs.

    >>> [drawn] = charts([{"epoch": 1, "loss": 2.0, "val_loss": 3.0}, {"epoch": 2, "loss": 1.0, "val_loss": 2.5}])
    >>> drawn.count("<polyline"), "validation 2.5" in drawn
    (2, True)
    """
    if len(history) < 2:
        return []
    names = [name for name in history[-1] if name not in OTHERS and not name.startswith("val_")]
    return [_chart(history, name, best_epoch) for name in names[:MOST]]


def _chart(history: Sequence[Mapping[str, Any]], name: str, best_epoch: int | None) -> Markup:
    step = max(1, math.ceil(len(history) / POINTS))
    kept = [*history[:-1:step], history[-1]]
    curves = {prefix: [(line["epoch"], line.get(prefix + name)) for line in kept] for prefix in LINES}
    known = {
        prefix: [(epoch, value) for epoch, value in curve if value is not None and math.isfinite(value)]
        for prefix, curve in curves.items()
    }
    values = [value for curve in known.values() for _, value in curve] or [0.0]
    low, high = min(values), max(values)
    span = high - low or 1.0
    first, last = kept[0]["epoch"], kept[-1]["epoch"]

    def place(epoch: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (epoch - first) / (last - first or 1)
        y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / span)
        return f"{x:.1f},{y:.1f}"

    told = [
        f"{who} {short(curve[-1][1])}"
        for who, curve in zip(("training", "validation"), known.values(), strict=True)
        if curve
    ]
    parts = [
        Markup('<text x="{}" y="14" font-weight="600">{}</text>').format(LEFT, name),
        *_ends(low, high, first, last),
        *(_line(place, prefix, curve) for prefix, curve in known.items() if curve),
    ]
    if best_epoch and first <= best_epoch <= last:
        x = place(best_epoch, low).split(",")[0]
        mark = '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="currentColor" stroke-dasharray="1 3">'
        mark += "<title>best epoch: {3}</title></line>"
        parts.append(Markup(mark).format(x, TOP, HEIGHT - BOTTOM, best_epoch))  # noqa: S704, our own words
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="%s">'
    described = escape(f"{name}, epochs {first} to {last}: {', '.join(told)}")
    return Markup(head % described) + Markup().join(parts) + Markup("</svg>")  # noqa: S704, all of it is escaped


def _ends(low: float, high: float, first: int, last: int) -> list[Markup]:
    """The axes, with the least and the greatest value on each."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    frame = Markup('<path d="M{0} {1}V{2}H{3}" fill="none" stroke="currentColor" opacity=".4"/>')
    number = Markup('<text x="{}" y="{}" text-anchor="{}" opacity=".8">{}</text>')
    return [
        frame.format(LEFT, TOP, bottom, right),
        number.format(LEFT - 5, TOP + 8, "end", short(high)),
        number.format(LEFT - 5, bottom, "end", short(low)),
        number.format(LEFT, HEIGHT - 6, "start", short(first)),
        number.format(right, HEIGHT - 6, "end", f"epoch {short(last)}"),
    ]


def _line(place: Any, prefix: str, curve: list[tuple[int, float]]) -> Markup:
    colour, dashes = LINES[prefix]
    points = " ".join(place(epoch, value) for epoch, value in curve)
    style = Markup(' stroke-dasharray="{}"').format(dashes) if dashes else Markup()
    who = "validation" if prefix else "training"
    line = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="1.6"{}><title>{}</title></polyline>')
    return line.format(points, colour, style, f"{who} {short(curve[-1][1])}")
