"""`backlit show`: what a run is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "show"
EXAMPLES = "Examples:\n\nbacklit show runs/digits\n\nbacklit show runs/digits --plot curves.png"


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    plot: Annotated[
        Path | None, typer.Option(help="Write the learning curves as a picture (.png, .svg, .pdf).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """The network layer by layer, what it was trained with, and how the training went."""
    import backlit as bl
    from backlit.cli import output

    output.check_picture(plot)
    loaded = bl.load(run)
    if plot is not None:
        output.save_picture(loaded.plot(), plot)
    if as_json:
        layers = [
            {"layer": path, "kind": repr(layer), "output": list(shape), "parameters": size, "multiply_adds": cost}
            for path, layer, shape, size, cost in loaded.network.rows()
        ]
        summary = {"stopped": loaded.stopped, "best_epoch": loaded.best_epoch, "settings": loaded.settings}
        output.emit({"layers": layers, "parameters": loaded.network.size, **summary, "history": list(loaded.history)})
        return
    print(loaded.network)
    settings = {key: value for key, value in loaded.settings.items() if value is not None}
    print("\ntrained with " + ", ".join(f"{key} {value}" for key, value in settings.items()))
    print(f"{len(loaded.history)} epochs in {loaded.seconds:.1f} s: {loaded.stopped}\n")
    names = [name for name in loaded.history[-1] if name not in ("epoch", "seconds")] if loaded.history else []
    step = max(1, len(loaded.history) // 10)
    lines = [record for i, record in enumerate(loaded.history) if i % step == 0 or i == len(loaded.history) - 1]
    if names:
        print(output.table([["epoch", *names], *[[r["epoch"], *[f"{r[n]:.4f}" for n in names]] for r in lines]]))
