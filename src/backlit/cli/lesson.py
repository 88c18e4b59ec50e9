"""`backlit lesson`: a lesson in the terminal, as a notebook, and its exercises judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backlit.lessons import Lesson

NAME = "lesson"
EXAMPLES = (
    "Examples:\n\nbacklit lesson backprop\n\nbacklit lesson backprop --lang ko --quick --notebook backprop.ipynb\n\n"
    "backlit lesson backprop --quick --pictures pictures\n\nbacklit lesson backprop --check answers.py"
)


def command(
    name: Annotated[str, typer.Argument(help="Name or number, as `backlit lessons` lists them.", metavar="NAME")],
    lang: Annotated[str, typer.Option(help="Language: en or ko.")] = "en",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer epochs: done in seconds, with other numbers.")] = False,
    notebook: Annotated[
        Path | None, typer.Option(help="Write the lesson as a Jupyter notebook instead.", metavar="FILE.ipynb")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Write the pictures into this folder, as PNG.", metavar="FOLDER")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Judge your answers, exercise_1 and so on, in this Python file.", metavar="ANSWERS.py"),
    ] = None,
    seconds: Annotated[float, typer.Option(help="With --check: how long the file may take.", min=1.0)] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Run a lesson: its text with the numbers that its code computes here and now."""
    from backlit.errors import InputError
    from backlit.languages import check_language
    from backlit.lessons import find

    check_language(lang, of="the lessons")
    lesson = find(name)
    if check is not None and (notebook is not None or pictures is not None):
        raise InputError("--check judges answers and runs nothing else: leave --notebook and --pictures out")
    if check is not None:
        _judge(lesson, check, lang, seconds, as_json)
    elif notebook is not None:
        if notebook.suffix != ".ipynb":
            raise InputError(f"--notebook {notebook}: the name must end in .ipynb")
        write_notebook(lesson, lang, notebook, quick=quick)
        _say(as_json, {"lesson": lesson.name, "notebook": str(notebook)}, str(notebook))
    else:
        _show(lesson, lang, pictures, quick, as_json)


def write_notebook(lesson: Lesson, lang: str, path: Path, *, quick: bool) -> None:
    """Run a lesson and write its notebook atomically."""
    from backlit.errors import InputError
    from backlit.files import saving
    from backlit.lessons import notebook

    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    text = notebook(lesson, lang, quick=quick)
    with saving(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _judge(lesson: Lesson, path: Path, lang: str, seconds: float, as_json: bool) -> None:
    from dataclasses import asdict

    from backlit.cli import output
    from backlit.lessons.answers import judge_file

    verdicts = judge_file(lesson, path, lang, seconds=seconds)
    result = {"lesson": lesson.name, "verdicts": [asdict(verdict) for verdict in verdicts]}
    _say(as_json, result, "\n".join(map(str, verdicts)))
    if not all(verdict.right for verdict in verdicts):
        output.leave(output.WORK_FAILED)


def _show(lesson: Lesson, lang: str, pictures: Path | None, quick: bool, as_json: bool) -> None:
    """Print a lesson as it is being run."""
    import time

    from rich.console import Console
    from rich.markdown import Markdown
    from rich.syntax import Syntax
    from rich.text import Text

    from backlit.cli import output
    from backlit.files import saving
    from backlit.lessons.formulas import to_unicode
    from backlit.lessons.pictures import png
    from backlit.lessons.running import FIGURE, RunCode, run, setup

    console = Console(stderr=as_json, width=None if as_json else _width())
    saved: list[str] = []
    claims = 0
    if pictures is not None:
        output.make_folder("--pictures", pictures)
    begin = time.perf_counter()
    console.print(
        Markdown(f"# {lesson.number}. {lesson.title[lang]}\n\n{lesson.summary[lang]}\n\n{lesson.follows[lang]}")
    )
    console.print(Syntax(setup(lang, quick).strip(), "python", background_color="default"))
    for step in run(lesson, lang, quick=quick):
        console.print()
        if isinstance(step, RunCode):
            claims += step.code.claim
            if not step.code.claim:
                console.print(Syntax(step.code.text.strip(), "python", background_color="default", word_wrap=True))
                if step.printed.strip():
                    console.print(Text(step.printed.rstrip()), style="cyan")
            continue
        for figure_name, figure in step.figures.items():
            if pictures is not None:
                path = pictures / f"{lesson.name}-{figure_name}.png"
                with saving(path) as temporary:
                    temporary.write_bytes(png(figure, lang))
                saved.append(str(path))
        at = f" → {pictures}/{lesson.name}-\\2.png" if pictures is not None else ""
        console.print(Markdown(to_unicode(FIGURE.sub(rf"*[\1{at}]*", step.text[lang]))))
    titles = {"en": "Exercises", "ko": "연습 문제"}
    console.print(Markdown(f"## {titles[lang]}"))
    for exercise in lesson.exercises:
        console.print(Markdown(f"**{exercise.number}.** {to_unicode(exercise.prose.text[lang])}"))
    option = "" if lang == "en" else f" --lang {lang}"
    console.print(f"\nbacklit lesson {lesson.name}{option} --check answers.py", style="bold")
    if as_json:
        took = time.perf_counter() - begin
        output.emit({"lesson": lesson.name, "claims": claims, "pictures": saved, "seconds": took})


def _width() -> int:
    """Lines that can be read: no longer than 100 columns."""
    from rich.console import Console

    return min(100, Console().width)


def _say(as_json: bool, result: dict[str, Any], sentence: str) -> None:
    from backlit.cli import output

    if as_json:
        output.emit(result)
    else:
        output.tell(sentence)
