"""Options of commands as they are declared once, with help text, range and default."""

from __future__ import annotations

from typing import Any

import typer

from backlit.settings import declared as declarations
from backlit.tasks.options import Options


def declared(name: str, *flags: str, panel: str | None = None) -> Any:
    """A typer option made from the declaration of a field: what it is, its range, its default."""
    option = declarations(Options)[name]
    tail = "; by default chosen by the data's size." if option.default is None else "."
    help_text = f"{option.help}, {option.range.span}{tail}" if option.range else f"{option.help}."
    return typer.Option(*flags, help=help_text, rich_help_panel=panel, show_default=option.default is not None)
