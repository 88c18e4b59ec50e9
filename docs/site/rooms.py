"""The picture of the architecture: rooms from the import contract, arrows from the code's own imports.

`python docs/site/rooms.py` writes docs/assets/rooms.svg; a test holds the file to the code.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import grimp

from backlit.inspect.draw.scene import FORWARD, LINE, QUIET, Box, Curve, Label, Scene, text_width
from backlit.inspect.draw.svg import to_svg

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "assets" / "rooms.svg"
WIDTH, STOREY, HIGH, GAP, MARGIN, LEFT = 860.0, 84.0, 40.0, 34.0, 22.0, 150.0

# Storeys from top to bottom, each with its rooms in the order of the contract and what is in them, in a few words. The
# second runs from right to left, so that what comes next is near.
STOREYS = {
    "the front": {
        "cli": "commands",
        "studio": "in the browser",
        "lessons": "texts that run",
        "sklearn": "estimators",
        "trackers": "TensorBoard and kin",
        "tuning": "settings searched",
    },
    "doors": {
        "fitting": "fit, the front door",
        "doors": "fit_table and kin",
        "run": "a run's verbs",
    },
    "looking back": {
        "watching": "in others' loops",
        "report": "a run as a page",
        "doctor": "findings, repair",
        "inspect": "explain, draw, plot",
        "exchange": "ONNX, PyTorch, Keras",
    },
    "work": {"tasks": "one a kind of data", "store": "run folders", "train": "program and loop"},
    "parts": {"nn": "layers, losses, metrics", "optim": "steps, schedules", "data": "files, tables, texts, pictures"},
    "core": {
        "distributed": "several processes",
        "engine": "who runs a program",
        "graph": "tensors, operations, derivatives, kernels",
    },
    "ground": {
        "schema": "types of files",
        "bounds": "limits",
        "settings": "options",
        "files": "safe writing",
        "languages": "messages",
        "aligned": "tables",
        "interrupts": "Ctrl-C",
        "threads": "one for NumPy",
    },
    "cellar": {
        "registry": "names",
        "extras": "optional libraries",
        "verbs": "methods done above",
        "errors": "and warnings",
    },
}
ABOUT = {room: about for rooms in STOREYS.values() for room, about in rooms.items()}


def floors() -> list[list[str]]:
    """Rooms from top to bottom, those of one floor together, as pyproject.toml's first contract has them."""
    importlinter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return [re.findall(r"\w+", floor) for floor in importlinter["contracts"][0]["layers"]]


def arrows() -> list[tuple[str, str]]:
    """Which room imports which, without those arrows for which a way through other rooms stands, or to the ground."""
    graph = grimp.build_graph("backlit", cache_dir=None)
    below: dict[str, set[str]] = defaultdict(set)
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = (name.split(".")[1] if "." in name else "" for name in (importer, imported))
            if (
                one != other
                and one in ABOUT
                and other in ABOUT
                and other not in {**STOREYS["ground"], **STOREYS["cellar"]}
            ):
                below[one].add(other)

    def reached(room: str) -> set[str]:
        return below[room].union(*(reached(other) for other in below[room]))

    return [
        (room, other)
        for room in ABOUT
        for other in sorted(below[room])
        if not any(other in reached(between) for between in below[room] - {other})
    ]


def placed() -> dict[str, Box]:
    """Each room's box, storey by storey."""
    boxes = {}
    for number, (storey, rooms) in enumerate(STOREYS.items()):
        order = list(rooms) if storey != "looking back" else list(rooms)[::-1]
        widths = [max(text_width(room, 13, bold=True), text_width(ABOUT[room], 10)) + 24 for room in order]
        gap = (WIDTH - LEFT - MARGIN - sum(widths)) / max(len(order) - 1, 1)
        x = LEFT
        if gap > 4 * GAP:  # two rooms alone: in the middle
            gap = 2 * GAP
            x += (WIDTH - LEFT - MARGIN - sum(widths) - gap * (len(order) - 1)) / 2
        for room, width in zip(order, widths, strict=True):
            boxes[room] = Box(x, MARGIN + STOREY * number, width, HIGH, radius=5, stroke=FORWARD)
            x += width + gap
    return boxes


def ends(start: Box, end: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where an arrow leaves a box and meets the other: sideways on one storey, else from floor to ceiling."""
    if start.y == end.y:
        middle = start.y + HIGH / 2
        return ((start.x + start.width, middle), (end.x, middle)) if start.x < end.x else (
            (start.x, middle), (end.x + end.width, middle)
        )  # fmt: skip
    low, high = max(start.x, end.x), min(start.x + start.width, end.x + end.width)
    if high - low > 8:  # one above the other: straight down
        return ((low + high) / 2, start.y + HIGH), ((low + high) / 2, end.y)
    return (start.x + start.width / 2, start.y + HIGH), (end.x + end.width / 2, end.y)


def draw() -> Scene:
    """The house: who calls stands above or before who is called."""
    boxes = placed()
    scene = Scene(
        WIDTH,
        2 * MARGIN + STOREY * (len(STOREYS) - 1) + HIGH,
        "The rooms of Backlit",
        "Boxes are rooms of the code; arrows lead from a room to those that it imports, none leads back.",
    )
    for number, storey in enumerate(STOREYS):
        top = MARGIN + STOREY * number
        scene.add(
            Box(8, top - 12, WIDTH - 16, HIGH + 24, radius=8, fill="#f4f7fa", stroke="#e3e9ef"),
            Label(24, top + HIGH / 2 + 4, storey, size=12, color=QUIET, anchor="start", italic=True),
            title=storey,
        )
    for one, other in arrows():
        scene.add(
            Curve(ends(boxes[one], boxes[other]), stroke=LINE, arrow=True, straight=True),
            title=f"{one} imports {other}",
        )
    for room, box in boxes.items():
        middle = box.x + box.width / 2
        scene.add(
            box,
            Label(middle, box.y + 17, room, size=13, bold=True),
            Label(middle, box.y + 32, ABOUT[room], size=10, color=QUIET),
            title=f"{room}: {ABOUT[room]}",
        )
    return scene


if __name__ == "__main__":
    PICTURE.write_text(to_svg(draw()), encoding="utf-8")
