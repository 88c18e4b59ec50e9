"""`backlit show`: what a run is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.run import Run

NAME = "show"
EXAMPLES = (
    "Examples:\n\nbacklit show runs/digits\n\nbacklit show runs/digits --plot curves.png\n\n"
    "backlit show runs/digits --draw network.svg --depth neurons\n\n"
    "backlit show runs/moons --row 0.5,-0.2 --answer 1\n\n"
    "backlit show runs/houses --row new.csv --draw pass.svg\n\n"
    "backlit show runs/reviews --row 'a good film' --attention attention.png\n\n"
    "backlit show runs/moons --boundary boundary.png --initializers starts.png"
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
        str | None,
        typer.Option(help="With --draw: layers, neurons, operations; of a recurrent network, time or cell (gates)."),
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(
            help="A row of your own, area=50,district=Mapo,price=300 or 0.5,-1.2 or a file: every value, and with its "
            "target every gradient of the loss, as a table or with --draw as a picture."
        ),
    ] = None,
    answer: Annotated[str | None, typer.Option(help="The target of --row, where it isn't in it.")] = None,
    boundary: Annotated[
        Path | None, typer.Option(help="Draw what the network says at every point around its data (.png, .svg, .pdf).")
    ] = None,
    initializers: Annotated[
        Path | None,
        typer.Option(help="Draw what each layer gives before training, by initialiser (.png, .svg, .pdf)."),
    ] = None,
    attention: Annotated[
        Path | None,
        typer.Option(help="With --row TEXT: draw where each token looks in a Transformer (.png, .svg, .pdf)."),
    ] = None,
    columns: Annotated[bool, typer.Option("--columns", help="All columns of the table, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show the network layer by layer, the table's columns, how the training went, and the scores."""
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.inspect import plots
    from backlit.inspect.draw import check_path
    from backlit.train.ensemble import first_of

    if draw is not None:
        check_path(draw)
    for picture in (plot, reliability, boundary, initializers, attention):
        output.check_picture(picture)
    if answer is not None and row is None:
        raise InputError("--answer is the target of a --row: give both")
    loaded = bl.load(run)
    judgement = loaded.judgement or {}
    if reliability is not None and "calibration" not in judgement:
        raise InputError(f"{run} has no probabilities whose honesty was measured; classifiers on tables have")
    if attention is not None:
        if row is None:
            raise InputError("--attention draws where the tokens of a text look: give the text as --row")
        output.save_picture(loaded.attention(row).plot(), attention)
        return
    if row is not None:
        _row(loaded, row, answer, draw, depth, as_json)
        return
    if draw is not None:
        network, alike = first_of(loaded.network)
        bl.draw(network, depth, draw)
        if alike:
            output.note(f"{draw}: the first of {alike + 1} networks of one kind")
    if boundary is not None:
        output.save_picture(_boundary(loaded), boundary)
    if initializers is not None:
        output.save_picture(plots.starts(first_of(loaded.network)[0]), initializers)
    if plot is not None:
        output.save_picture(loaded.plot(), plot)
    if reliability is not None:
        output.save_picture(plots.reliability(judgement["calibration"]), reliability)
    if as_json:
        output.emit(_data(loaded))
        return
    output.tell(_summary(loaded, columns))


def _summary(run: Run, columns: bool) -> str:
    """What a run is, in blocks of text."""
    from backlit.cli import printing
    from backlit.data.preparation import preparation_of

    judgement = run.judgement or {}
    blocks = [_network(run)]
    if preparation_of(run.preparation).rows():
        blocks.append(printing.columns(run.preparation, 10**9 if columns else printing.MOST_COLUMNS))
    options = {key: value for key, value in run.settings.items() if value is not None and key != "data"}
    settings = ", ".join(f"{key} {value}" for key, value in options.items())
    best = f", best epoch {run.best_epoch}" if run.best_epoch else ""
    blocks.append(f"trained with {settings}\n{len(run.history)} epochs in {run.seconds:.1f} s: {run.stopped}{best}")
    if run.history:
        blocks.append(_chart(run.history))
    if judgement:
        blocks.append(printing.scores(judgement))
    if judgement.get("notes"):
        blocks.append("\n".join(f"  {note}" for note in judgement["notes"]))
    return "\n\n".join(blocks)


def _row(run: Run, row: str, answer: str | None, draw: Path | None, depth: str | None, as_json: bool) -> None:
    """One forward pass of a row of the user's own, and back from its loss; of an ensemble, of the first member."""
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.inspect.explain import explain
    from backlit.inspect.trace import trace
    from backlit.tasks.example import example_of
    from backlit.train.ensemble import first_of

    if depth not in (None, "operations"):
        raise InputError(f"--row runs through the operations, not through --depth {depth}; leave one of them out")
    example = example_of(run, row, answer)
    network, alike = first_of(run.network)
    loss = None if example.y is None else run.loss
    graph = trace(network, example.x, example.y, loss)
    if draw is not None:
        bl.draw(network, "operations", draw, x=example.x, y=example.y, loss=loss)
    if example.y is None:
        output.note("the target isn't known, so gradients are those of the output; give it in the row, or as --answer")
    if alike:
        output.note(f"the first of {alike + 1} networks of one kind")
    if as_json:
        output.emit(explain(graph).to_dict())
    elif draw is None:
        output.tell(explain(graph).table())


def _boundary(run: Run) -> Any:
    """The boundary with the training rows, read again."""
    from backlit.cli.diagnose import recipe_of_folder
    from backlit.inspect import plots

    recipe = recipe_of_folder(run, None)
    return plots.decision_boundary(run, recipe.x, recipe.y)


def _network(run: Run) -> str:
    """The layers."""
    from backlit.train.ensemble import first_of

    first, alike = first_of(run.network)
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
