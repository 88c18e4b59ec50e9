"""`backlit report`: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "report"
EXAMPLES = (
    "Examples:\n\nbacklit report runs/digits\n\nbacklit report runs/digits --lang ko --open\n\n"
    "backlit report runs/digits --out digits.html\n\nbacklit report runs/pets --pictures pets"
)


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")],
    lang: Annotated[
        str, typer.Option(help="Language in which the page opens, en or ko; it has both, and a switch.")
    ] = "en",
    out: Annotated[
        Path | None, typer.Option(help="File to write; report.html in the run's folder by default.", metavar="FILE")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pictures that the run was trained on, to show those that it mistakes.", metavar="FOLDER"
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Write what was trained on what, how good it is, how it learned and what went on inside, as one HTML page.

    The page needs no other file and no network; it can be sent, printed and read on a phone, in English and Korean.
    """
    import backlit as bl
    from backlit.cli import output
    from backlit.errors import InputError
    from backlit.files import saving
    from backlit.languages import check_language
    from backlit.run import save_report

    check_language(lang)
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out}: the name must end in .html")
    if pictures is not None and not pictures.is_dir():
        raise InputError(f"--pictures {pictures} is no folder")
    loaded = bl.load(run)
    if out is None:
        out = save_report(loaded, lang, pictures)
    else:
        with saving(out) as temporary:
            temporary.write_text(loaded.report(lang, pictures), encoding="utf-8")
    if as_json:
        output.emit({"report": str(out), "bytes": out.stat().st_size})
    else:
        output.tell(out)
    if show:
        typer.launch(out.resolve().as_uri())
