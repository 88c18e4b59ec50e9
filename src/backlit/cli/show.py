"""`backlit show`: what a run is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.nn.layer import Network
    from backlit.run import Run

NAME = "show"
EXAMPLES = (
    "Examples:\n\nbacklit show runs/digits\n\nbacklit show runs/digits --plot curves.png\n\n"
    "backlit show runs/digits --draw network.svg --depth neurons"
)
WIDTH = 60  # of the chart


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    plot: Annotated[
        Path | None, typer.Option(help="Write the learning curves as a picture (.png, .svg, .pdf).")
    ] = None,
    reliability: Annotated[
        Path | None, typer.Option(help="Write how honest the probabilities are as a picture (.png, .svg, .pdf).")
    ] = None,
    draw: Annotated[
        Path | None, typer.Option(help="Draw the network as a picture (.svg, .png, .pdf).", metavar="FILE")
    ] = None,
    depth: Annotated[
        str,
        typer.Option(help="With --draw: layers, neurons (weights as line widths) or operations (one forward pass)."),
    ] = "layers",
    columns: Annotated[bool, typer.Option("--columns", help="All columns of the table, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """The network layer by layer, the table's columns, how the training went, and the scores."""
    import backlit as bl
    from backlit.cli import output, printing
    from backlit.data.preparation import preparation_of
    from backlit.errors import InputError
    from backlit.inspect import plots
    from backlit.inspect.draw import check_path

    if draw is not None:
        check_path(draw)
    for picture in (plot, reliability):
        output.check_picture(picture)
    loaded = bl.load(run)
    judgement = loaded.judgement or {}
    if reliability is not None and "calibration" not in judgement:
        raise InputError(f"{run} has no probabilities whose honesty was measured; classifiers on tables have")
    if draw is not None:
        network, alike = _first(loaded)
        bl.draw(network, depth, draw)
        if alike:
            output.note(f"{draw}: the first of {alike + 1} networks of one kind")
    if plot is not None:
        output.save_picture(loaded.plot(), plot)
    if reliability is not None:
        output.save_picture(plots.reliability(judgement["calibration"]), reliability)
    if as_json:
        output.emit(_data(loaded))
        return
    blocks = [_network(loaded)]
    if preparation_of(loaded.preparation).rows():
        blocks.append(printing.columns(loaded.preparation, 10**9 if columns else printing.MOST_COLUMNS))
    options = {key: value for key, value in loaded.settings.items() if value is not None and key != "data"}
    settings = ", ".join(f"{key} {value}" for key, value in options.items())
    best = f", best epoch {loaded.best_epoch}" if loaded.best_epoch else ""
    blocks.append(
        f"trained with {settings}\n{len(loaded.history)} epochs in {loaded.seconds:.1f} s: {loaded.stopped}{best}"
    )
    if loaded.history:
        blocks.append(_chart(loaded.history))
    if judgement:
        blocks.append(printing.scores(judgement))
    if judgement.get("notes"):
        blocks.append("\n".join(f"  {note}" for note in judgement["notes"]))
    output.tell("\n\n".join(blocks))


def _first(run: Run) -> tuple[Network, int]:
    """The network, and how many more like it there are; of an ensemble's members, which are alike, the first."""
    from backlit.nn.layers.containers import Parallel
    from backlit.train.ensemble import members

    layer = run.network.architecture
    if not isinstance(layer, Parallel) or len(set(layer.layers)) > 1 or len(layer.layers) == 1:
        return run.network, 0
    first, *alike = members(run.network)
    return first, len(alike)


def _network(run: Run) -> str:
    """The layers."""
    first, alike = _first(run)
    if not alike:
        return str(first)
    return f"{first}\n\nand {alike} more like it, whose answers are averaged: {run.network.size:,} parameters"


def _data(run: Run) -> dict[str, Any]:
    from backlit.data.preparation import preparation_of

    layers = [
        {"layer": path, "kind": repr(layer), "output": list(shape), "parameters": size, "multiply_adds": cost}
        for path, layer, shape, size, cost in run.network.rows()
    ]
    summary = {"stopped": run.stopped, "best_epoch": run.best_epoch, "settings": run.settings}
    columns = preparation_of(run.preparation).rows() or None
    training = {"columns": columns, "judgement": run.judgement, "config": run.config, "history": list(run.history)}
    return {"layers": layers, "parameters": run.network.size, **summary, **training}


def _chart(history: Any) -> str:
    """One line of blocks for each column of the history, its first, lowest, highest and last value beside it."""
    from backlit.cli.output import spark, table

    names = [name for name in history[-1] if name not in ("epoch", "seconds")]
    rows = []
    for name in names:
        values = [value for value in history[name] if value is not None]
        step = -(-len(values) // WIDTH)
        sampled = [values[min(i + step, len(values)) - 1] for i in range(0, len(values), step)]
        rows.append([name, spark(sampled), *[f"{v:.4g}" for v in (values[0], min(values), max(values), values[-1])]])
    return table([["history", "", "first", "lowest", "highest", "last"], *rows], left=(0, 1))
