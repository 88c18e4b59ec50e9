"""`backlit lessons`: what lessons there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "lessons"
EXAMPLES = "Examples:\n\nbacklit lessons\n\nbacklit lessons --lang ko\n\nbacklit lessons --out notebooks --quick"


def command(
    lang: Annotated[str, typer.Option(help="Language: en or ko.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option(help="Run every lesson, and write it as a notebook into this folder.", metavar="FOLDER"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="With --out: fewer epochs, some minutes for all.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """List the lessons, in the order that teaches: what each shows, and how long it takes to read."""
    from backlit.cli import output
    from backlit.cli.lesson import write_notebook
    from backlit.languages import check_language
    from backlit.lessons import LESSONS

    check_language(lang, of="the lessons")
    written = []
    if out is not None:
        output.make_folder("--out", out)
        for lesson in LESSONS.values():
            path = out / f"{lesson.number:02}-{lesson.name}.{lang}.ipynb"
            output.note(f"{lesson.number} of {len(LESSONS)}: {lesson.name}")
            write_notebook(lesson, lang, path, quick=quick)
            written.append(str(path))
    if as_json:
        output.emit(
            {
                "lessons": [
                    {
                        "number": lesson.number,
                        "name": lesson.name,
                        "title": lesson.title[lang],
                        "summary": lesson.summary[lang],
                        "minutes": lesson.minutes,
                    }
                    for lesson in LESSONS.values()
                ],
                "notebooks": written,
            }
        )
        return
    unit = {"en": "min", "ko": "분"}[lang]
    rows = [[f"{entry.number}", entry.name, entry.title[lang], f"{entry.minutes} {unit}"] for entry in LESSONS.values()]
    output.tell(output.table(rows, left=(1, 2)))
    first = next(iter(LESSONS))
    option = "" if lang == "en" else f" --lang {lang}"
    output.tell(f"\nbacklit lesson {first}{option}")
