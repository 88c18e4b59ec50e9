"""Flags of commands, made from options as they are declared: what one is called, its type, its help, its default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from backlit.bounds import Limits, limits, named
from backlit.cli.coercion import coerced_lightly
from backlit.cli.guides import guide
from backlit.errors import InputError
from backlit.settings import Declaration
from backlit.settings import declared as declarations
from backlit.tasks.options import Options

F = TypeVar("F", bound=Callable[..., Any])
VAR = inspect.Parameter.VAR_KEYWORD
KINDS = {"bool": bool, "int": int, "float": float, "Path": Path, "str": str}  # what can be read from a word


def flag(option: Declaration) -> inspect.Parameter:
    """An option as a parameter from which typer makes a flag."""
    kind = _kind(option)
    shown = option.default is not None and option.parse is None and isinstance(option.default, tuple(KINDS.values()))
    name = f"--{option.name.replace('_', '-')}"
    flags = option.flags or ((name,) if kind is bool else ())  # without a name typer would add --no-…
    # A number, or one of a few names: read at once, so that it is kept as a number.
    reader = option.parse if option.range is not None and option.range.besides else None
    about = typer.Option(*flags, help=help_of(option), rich_help_panel=option.panel, show_default=shown, parser=reader)
    annotation = Annotated[kind if shown else kind | None, about]  # type: ignore[valid-type]
    default = option.default if shown else None
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def help_of(option: Declaration) -> str:
    """What the help says: what it is, its range, who chooses it. A text with a full stop says all of it itself."""
    if option.help.endswith("."):
        return option.help
    if option.range is None or option.range.names or option.parse is not None:
        return f"{option.help}."
    planned = option.default is None and option.name in declarations(Options)
    tail = "; by default chosen by the data's size" if planned else ""
    return f"{option.help}, {option.range.span}{tail}."


def _kind(option: Declaration) -> Any:
    """The type that typer reads: of several that an option may have, one that can be typed."""
    parts = [part.strip() for part in option.type.split("|")]
    if option.parse is None and any(part.startswith(("Sequence[", "list[")) for part in parts):
        return list[str]
    return next((KINDS[part] for part in parts if part in KINDS and option.parse is None), str)


def declared(name: str, *flags: str, panel: str | None = None) -> Any:
    """A typer option made from the declaration of a planning option, for a command that has only some of them."""
    option = declarations(Options)[name]
    return typer.Option(*flags, help=help_of(option), rich_help_panel=panel, show_default=option.default is not None)


def flagged(options: Callable[[], Iterable[Declaration]]) -> Callable[[F], F]:
    """Give a command that takes ``**given`` a flag for each option.

    They are made when the command is called or its own help is shown (see `complete`): to know all options, more must
    be imported than a list of the commands is worth waiting for.
    """

    def decorate(function: F) -> F:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        first = [parameter for parameter in parameters if parameter.kind != VAR]
        function.__signature__ = inspect.Signature(first)  # type: ignore[attr-defined]
        function.flagged = options  # type: ignore[attr-defined]
        return function

    return decorate


def complete(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command with all its parameters in its signature."""
    options: Callable[[], Iterable[Declaration]] | None = getattr(function, "flagged", None)
    if options is None:
        return function

    def command(*args: Any, **given: Any) -> Any:
        return function(*args, **given)

    parameters = [*inspect.signature(function).parameters.values(), *map(flag, options())]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    return command


def _raised(ctx: typer.Context, words: list[str] | None) -> None:
    """Let the limits that were typed hold until the command ends."""
    if words:
        ctx.with_resource(limits(**named(words)))


LIMIT = typer.Option(
    "--limit",
    callback=_raised,
    expose_value=False,
    metavar="NAME=SIZE",
    help=f"Raise a limit for files and networks, pixels=1e9 say. Limits: {', '.join(declarations(Limits))}.",
)


@cache
def _of_all() -> Any:
    """The option that every subcommand has."""

    def command(limit: Annotated[list[str] | None, LIMIT] = None) -> None:
        pass

    command.__annotations__ = {"limit": Annotated[list[str] | None, LIMIT]}
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return typer.main.get_command(app).params[0]


def named_plainly(parameters: Iterable[Any]) -> list[Any]:
    """Parameters whose help names no type where none is typed: a switch takes no value, each of several is a word."""
    parameters = list(parameters)
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif parameter.multiple and parameter.metavar is None:
            parameter.metavar = "<str>"
    return parameters


class Command(TyperCommand):
    """A subcommand: its flags are made when they are needed, and none that takes a value may be given twice."""

    def get_params(self, ctx: Any) -> Any:
        """Arguments and flags, those of `flagged` included."""
        function = inspect.unwrap(self.callback) if self.callback else None
        if function is not None and hasattr(function, "flagged"):
            app = typer.Typer(add_completion=False)
            app.command()(complete(function))
            made = typer.main.get_command(app)
            self.params, self.callback = made.params, made.callback
        *own, help_ = super().get_params(ctx)
        return coerced_lightly(named_plainly([*own, _of_all(), help_]))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help text, with the page that tells more at its end."""
        own = self.epilog
        self.epilog = "\n\n".join(filter(None, [own, guide(self.name or "")]))
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = own

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was typed.

        Raises
        ------
        InputError
            If an option that takes one value was given twice.
        """
        typed: list[Any] = list(self.make_parser(ctx).parse_args(args=list(args))[2])
        for parameter in typed:
            one = parameter.param_type_name == "option" and not parameter.multiple and not parameter.is_flag
            if one and typed.count(parameter) > 1:
                raise InputError(f"{max(parameter.opts, key=len)} is given twice: give it once")
        return super().parse_args(ctx, args)
