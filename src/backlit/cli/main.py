"""`backlit`: the command; one file a subcommand. Heavy imports wait until a subcommand runs."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from backlit.cli import (
    compare,
    diagnose,
    evaluate,
    explain,
    export,
    generate,
    importance,
    launch,
    lesson,
    lessons,
    lr_find,
    predict,
    show,
    studio,
    train,
    tune,
)
from backlit.cli import report as write_report
from backlit.cli.coercion import coerced_lightly
from backlit.cli.guides import guide
from backlit.cli.options import Command, named_plainly
from backlit.cli.output import end, reporting, tell, visible_usage
from backlit.settings import docstring


class Group(TyperGroup):
    """The command with its subcommands: whatever ends one before its time is told in one place."""

    def get_params(self, ctx: Any) -> Any:
        """The command's own switches."""
        return coerced_lightly(named_plainly(super().get_params(ctx)))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of subcommands, with where the documents are."""
        self.epilog = guide("")
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was typed before the subcommand."""
        with visible_usage():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand."""
        with reporting(), visible_usage():
            return super().invoke(ctx)


app = typer.Typer(
    name="backlit",
    cls=Group,
    help="Train neural networks at the speed of the hardware, and see why they learn, or don't.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from backlit._version import __version__
        from backlit.graph.kernels.native.library import native

        tell(f"backlit {__version__}\n{native()}")
        raise typer.Exit


@app.callback()
def _common(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass


COMMANDS = (
    train, launch, tune, evaluate, predict, generate, show, write_report, export, compare, importance, diagnose,
    lr_find, explain, lessons, lesson, studio,
)  # fmt: skip

for module in COMMANDS:
    app.command(
        module.NAME,
        help=docstring(module.command),
        epilog=module.EXAMPLES,
        cls=Command,
        context_settings=getattr(module, "SETTINGS", None),
    )(module.command)


def main() -> None:
    """Run the command; its exit status tells how it ended.

    0: done, 1: the work failed, 2: the input was wrong, 130: Ctrl-C, 143: SIGTERM, 129: SIGHUP. A reader of standard
    output that goes away changes nothing of that; output that can't be written for another reason is a failure.
    """
    try:
        with reporting():
            app()
    except SystemExit as ended:
        end(ended.code)


if __name__ == "__main__":
    main()
