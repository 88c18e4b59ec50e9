"""`backlit generate`: a language model goes on with a text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "generate"
EXAMPLES = (
    "Examples:\n\n"
    "backlit generate runs/book --prompt 'Once upon'\n\n"
    "backlit generate runs/book --prompt hell --length 200 --temperature 0.8 --top-k 5 --seed 0"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run that learned a text.", metavar="RUN")],
    prompt: Annotated[str, typer.Option(help="The beginning, which the network goes on from.")],
    length: Annotated[int, typer.Option(help="Characters (or words, by what was learned) to add.")] = 200,
    temperature: Annotated[
        float, typer.Option(help="Below 1 the likely gets likelier; 0 always takes the likeliest.")
    ] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Draw among the k likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among the likeliest that have this probability.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same text.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write on from a prompt, one token after another, each drawn by the probability that the network gives it."""
    import backlit as bl
    from backlit.cli import output

    options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    text = bl.load(run).generate(prompt, length, **options)
    if as_json:
        output.emit({"text": text, "prompt": prompt, "length": length, **options})
    else:
        output.tell(text)
