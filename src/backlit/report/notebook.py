"""What notebooks show of networks, runs and judgements: self-contained HTML that fits a light page and a dark one.

Text takes the page's colour, lines a part of it. Drawings lie on white paper, which a notebook that says it is dark
turns around. Nothing is fetched, nothing is a script, and whatever comes from data is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from backlit.inspect.draw import draw
from backlit.nn.layer import Network
from backlit.report import content, template
from backlit.report.chart import charts
from backlit.report.description import Description, Table, described
from backlit.report.numerals import short
from backlit.report.texts import Text
from backlit.train.judgement import Judgement

MOST = 60  # rows of a table; what is left out is said
LAST = 5  # epochs of a history
DRAWN = 80  # nodes of an explanation that are drawn


def of_network(network: Network) -> str:
    """The picture of a network's layers, and a table of them."""
    return _page(f"Network {network.architecture!r}"[:120], network=_network(network))


def of_history(history: Sequence[Mapping[str, Any]]) -> str:
    """Curves, and the last epochs."""
    epochs = f"{len(history):,} epoch{'s' if len(history) != 1 else ''}"
    tables = [_epochs(history)] if history else []
    return _page(f"History of {epochs}", charts=charts(history), validated=_validated(history), tables=tables)


def of_run(run: Any) -> str:
    """What came of a run, its curves, its judgement and its network."""
    keys = [(number, ", ".join(map(_said, what))) for number, what in content.keys(run)]
    told = content.result(run)
    return _page(
        f"{type(run).__name__} {content.name_of(run)}",
        verdict=_said(content.verdict(run)),
        keys=[*keys, (run.stopped, "ended by")],
        charts=charts(run.history, run.best_epoch),
        validated=_validated(run.history),
        tables=_judged(told, run.judgement) or ([_epochs(run.history)] if run.history else []),
        remarks=list(map(_said, told.warnings)),
        network=_network(run.network),
        folded=True,
    )


def of_judgement(judgement: Judgement) -> str:
    """Scores beside those of what needs no network, and all that goes with the task."""
    told = described(judgement)
    rows = f"{short(judgement.rows)} {judgement.what}" if judgement.rows is not None else judgement.what
    return _page(
        f"Judgement on {rows}",
        tables=_judged(told, judgement),
        remarks=[*map(_said, told.warnings), *([_said(told.intervals)] if told.intervals else [])],
    )


def of_diagnosis(diagnosis: Any) -> str:
    """Each finding with what was measured, what follows and the remedy."""
    alarms, remarks = len(diagnosis.alarms), len(diagnosis.remarks)
    counts = [f"{count} {what}{'s' if count > 1 else ''}" for count, what in ((alarms, "alarm"), (remarks, "remark"))]
    told = ", ".join(text for text, count in zip(counts, (alarms, remarks), strict=True) if count)
    return _page(f"Diagnosis: {told or 'no findings'}", findings=diagnosis)


def of_explanation(explanation: Any) -> str:
    """The graph, and each node's value and gradients."""
    heads, *rows = explanation.rows()
    count = len(explanation.nodes)
    return _page(
        repr(explanation),
        drawing=Markup(draw(explanation).svg) if count <= DRAWN else None,  # noqa: S704, to_svg escapes
        tables=[_table("Nodes", heads, rows, words=2)],
        remarks=[explanation.first_nonfinite] if explanation.first_nonfinite else [],
    )


def _page(title: str, **parts: Any) -> str:
    empty: dict[str, Any] = {
        "verdict": None, "keys": [], "drawing": None, "charts": [], "tables": [], "remarks": [], "findings": None,
        "network": None, "folded": False, "validated": False,
    }  # fmt: skip
    return str(template("notebook.html").render(title=title, **empty | parts))


def _network(network: Network) -> dict[str, Any]:
    """The drawing of a network, its layers, and its size."""
    heads = ("layer", "kind", "output", "parameters", "multiply-adds")
    rows = [
        (path or "-", repr(layer), " × ".join(map(str, shape)) or "1", f"{size:,}", f"{cost:,}")
        for path, layer, shape, size, cost in network.rows()
    ]
    total = network.architecture.cost(network.input_shape)
    shape = " × ".join(map(str, network.output_shape)) or "1"
    drawing = Markup(draw(network).svg)  # noqa: S704, to_svg escapes
    table = _table("Layers", heads, [*_few(rows), ("total", "", shape, f"{network.size:,}", f"{total:,}")], words=3)
    return {"drawing": drawing, "table": table, "size": network.size}


def _validated(history: Sequence[Mapping[str, Any]]) -> bool:
    return bool(history) and any(name.startswith("val_") for name in history[-1])


def _epochs(history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    columns = list(dict.fromkeys(name for record in history[-LAST:] for name in record))
    rows = [[short(record.get(name)) for name in columns] for record in history[-LAST:]]
    return _table("Last epochs" if len(history) > LAST else "Epochs", columns, rows, words=0)


def _judged(told: Description, judgement: Any) -> list[dict[str, Any]]:
    """The tables of a judgement, each with a caption."""
    corner = Judgement.of(judgement).judged_on or "test"
    found = (
        (f"Scores on {corner} {Judgement.of(judgement).what}", told.scores),
        ("Classes", told.classes),
        ("Rows by true class and by what they were called", told.confusion),
        ("Labels", told.labels),
        ("Targets", told.targets),
        ("Mean absolute error by step", told.steps),
        ("Examples", told.examples),
    )
    return [_described(caption, table) for caption, table in found if table is not None]


def _described(caption: str, table: Table) -> dict[str, Any]:
    return _table(caption, table.heads, [[_score(cell) for cell in row] for row in table.rows])


def _table(caption: str, heads: Sequence[Any], rows: Sequence[Sequence[Any]], words: int = 1) -> dict[str, Any]:
    """A table of texts; the first `words` columns start at the left."""
    cells = [[_said(cell) for cell in row] for row in _few(rows)]
    return {"caption": caption, "heads": [_said(head) for head in heads], "rows": cells, "words": words}


def _few(rows: Sequence[Any]) -> list[Any]:
    """The first and last of many rows, between them one that tells how many are left out."""
    if len(rows) <= MOST + 1:
        return list(rows)
    half = MOST // 2
    told = ("…", f"{len(rows) - 2 * half} more", *[""] * (len(rows[0]) - 2))
    return [*rows[:half], told, *rows[-half:]]


def _score(cell: Any) -> Any:
    """A score's name, which may be a pair: whose rows, and what."""
    return " ".join(_said(part) for part in cell) if isinstance(cell, tuple) else cell


def _said(cell: Any) -> str:
    """A text in English, or a cell."""
    return cell.within("en").unescape() if isinstance(cell, Text) else str(cell)
