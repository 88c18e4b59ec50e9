"""`backlit generate`: a language model goes on with a text, or a run that writes answers one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NAME = "generate"
EXAMPLES = (
    "Examples:\n\n"
    "backlit generate runs/book --prompt 'Once upon'\n\n"
    "backlit generate runs/book --prompt hell --length 200 --temperature 0.8 --top-k 5 --seed 0\n\n"
    "backlit generate runs/dates --prompt '20 November 2026' --beam 3"
)

USUAL = {"length": 200, "temperature": 0.8, "seed": 0}


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run that learned a text, or to write.", metavar="RUN")],
    prompt: Annotated[
        str, typer.Option(help="The beginning, which the network goes on from; or what it translates, or answers.")
    ],
    length: Annotated[
        int | None, typer.Option(help="Characters (or words, by what was learned) to add; 200 by default.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Below 1 the likely gets likelier; 0 always takes the likeliest. By default 0.8."),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw among the k likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among the likeliest that have this probability.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same text; 0 by default.")] = None,
    beam: Annotated[
        int | None, typer.Option(help="Of what translates or answers: beginnings that are kept at each step.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write on from a prompt, one token after another, each drawn by the probability that the network gives it.

    A run that translates or answers writes the likeliest text for the prompt.
    """
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.tasks.apply import reads_pairs

    loaded = bl.load(run)
    drawing: dict[str, Any] = {
        "length": length,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
    }
    if reads_pairs(loaded):
        surplus = [name for name, value in drawing.items() if value is not None]
        if surplus:
            raise InputError(
                f"--{surplus[0].replace('_', '-')} is for runs that go on with a text; {run} writes another"
            )
        found = answer(loaded, prompt, beam or 1)
    else:
        if beam is not None:
            raise InputError(f"--beam is for runs that translate or answer; {run} goes on with a text")
        drawing |= {name: value for name, value in USUAL.items() if drawing[name] is None}
        found = {"text": loaded.generate(prompt, **drawing), "prompt": prompt, **drawing}
    if as_json:
        output.emit(found)
    else:
        output.tell(found["text"])


def answer(run: Any, prompt: str, beam: int) -> dict[str, Any]:
    """The likeliest text for a prompt, or its tags."""
    from backlit.tasks.apply_pairs import pairs_of_text

    if run.targets.kind != "text":
        (tags,) = pairs_of_text(run, prompt)
        return {"text": tags if isinstance(tags, str) else " ".join(tags), "prompt": prompt}
    (written,) = run.write([prompt], beam=beam)
    others = [{"text": text, "log_probability": score} for text, score in written.others]
    return {"text": written.text, "prompt": prompt, "log_probability": written.log_probability, "others": others}
