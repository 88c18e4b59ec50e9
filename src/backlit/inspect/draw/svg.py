"""A scene as SVG: one self-contained file, with titles for readers of the screen and without scripts."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml
from zlib import crc32

from backlit.inspect.draw.scene import FONTS, PAPER, Box, Curve, Heat, Label, Scene, Shape

HANGUL = re.compile("[가-힣]")


def to_svg(scene: Scene, lang: str = "en") -> str:
    """The picture as the text of an SVG file; `lang` is the language that the scene's texts are in."""
    size = {"width": _n(scene.width), "height": _n(scene.height)}
    checksum = f"{crc32((scene.title + scene.description).encode()):x}"  # several pictures may stand on one page
    root = Xml.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "lang": lang,
            "viewBox": f"0 0 {size['width']} {size['height']}",
            **size,
            "role": "img",
            "aria-labelledby": f"title-{checksum} description-{checksum}",
            "font-family": FONTS,
            "style": "max-width: 100%; height: auto",  # on a phone as wide as the page
        },
    )
    _heard(root, "title", scene.title, lang, id=f"title-{checksum}")
    _heard(root, "desc", scene.description, lang, id=f"description-{checksum}")
    Xml.SubElement(root, "rect", {**size, "fill": PAPER})
    for title, shapes in scene.groups:
        group = Xml.SubElement(root, "g")
        if title:
            _heard(group, "title", title, lang)
        for shape in shapes:
            _write(group, shape)
    Xml.indent(root, " ")
    return Xml.tostring(root, encoding="unicode") + "\n"


def _heard(parent: Xml.Element, tag: str, text: str, lang: str, **attributes: str) -> None:
    """A text for readers of the screen, marked as English where it has no Korean: it chooses the voice."""
    plain = lang == "ko" and not HANGUL.search(text)
    Xml.SubElement(parent, tag, {**attributes, **({"lang": "en"} if plain else {})}).text = _clean(text)


def _write(group: Xml.Element, shape: Shape) -> None:
    if isinstance(shape, Box):
        _box(group, shape)
    elif isinstance(shape, Curve):
        _curve(group, shape)
    elif isinstance(shape, Heat):
        cells = Xml.SubElement(group, "g", {"shape-rendering": "crispEdges"})  # no seams between the squares
        for x, y, w, h, color in shape.cells():
            Xml.SubElement(cells, "rect", {**_place(x, y), "width": _n(w), "height": _n(h), "fill": color})
        Xml.SubElement(
            group,
            "rect",
            {**_place(shape.x, shape.y), "width": _n(shape.width), "height": _n(shape.height)}
            | {"fill": "none", "stroke": "#737373", "stroke-width": "0.6"},
        )
    else:
        _label(group, shape)


def _box(group: Xml.Element, box: Box) -> None:
    style = {"fill": box.fill, "stroke": box.stroke, "stroke-width": _n(box.line)}
    if box.dashed:
        style["stroke-dasharray"] = _dashes(box.line)
    size = {"width": _n(box.width), "height": _n(box.height), "rx": _n(box.radius)}
    Xml.SubElement(group, "rect", {**_place(box.x, box.y), **size, **style})


def _curve(group: Xml.Element, curve: Curve) -> None:
    path = f"M{_n(curve.points[0][0])} {_n(curve.points[0][1])}"
    for points in curve.segments():
        path += "C" + " ".join(f"{_n(x)} {_n(y)}" for x, y in points)
    attributes = {"d": path, "fill": "none", "stroke": curve.stroke, "stroke-width": _n(curve.line)}
    if curve.dashed:
        attributes["stroke-dasharray"] = _dashes(curve.line)
    if curve.opacity < 1:
        attributes["stroke-opacity"] = _n(curve.opacity)
    Xml.SubElement(group, "path", attributes)
    if curve.arrow:
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in curve.head())
        Xml.SubElement(group, "polygon", {"points": corners, "fill": curve.stroke})


def _label(group: Xml.Element, label: Label) -> None:
    attributes = {"font-size": _n(label.size), "fill": label.color, "text-anchor": label.anchor}
    if label.italic:
        attributes["font-style"] = "italic"
    if label.bold:
        attributes["font-weight"] = "bold"
    Xml.SubElement(group, "text", {**_place(label.x, label.y), **attributes}).text = _clean(label.text)


def _dashes(line: float) -> str:
    """Dashes in proportion to the line's width, as matplotlib's are."""
    return f"{_n(3.7 * line)} {_n(1.6 * line)}"


def _place(x: float, y: float) -> dict[str, str]:
    return {"x": _n(x), "y": _n(y)}


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    """A text without the control characters that XML forbids."""
    return "".join(character if character.isprintable() else " " for character in text)
