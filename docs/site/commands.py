"""The command line's reference, from the command itself: its subcommands, arguments, options, defaults, examples."""

from __future__ import annotations

import enum
import inspect
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from summaries import korean
from typer.models import ArgumentInfo, OptionInfo

from backlit.cli.main import COMMANDS, app
from backlit.cli.options import complete

WORDS = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "PATH"}


@dataclass(frozen=True)
class Parameter:
    """An argument or option: how it is declared, its annotation without that, its default."""

    name: str
    info: ArgumentInfo | OptionInfo
    kind: Any
    default: Any

    @property
    def metavar(self) -> str:
        """What stands for a value: "RUN", "INTEGER"."""
        if self.info.metavar:
            return self.info.metavar
        if isinstance(self.info, ArgumentInfo):
            return self.name.upper()
        if isinstance(self.kind, type) and issubclass(self.kind, enum.Enum):
            return "|".join(str(each.value) for each in self.kind)
        return WORDS.get(self.kind, "TEXT")

    @property
    def flags(self) -> str:
        """An option as it is typed: "`--epochs INTEGER`", "`--balance`"."""
        declared = [
            self.info.default,
            *(self.info.param_decls or ()),
        ]  # in an annotation, the first flag comes as default
        names = [name for each in declared if isinstance(each, str) for name in each.split("/") if name.startswith("-")]
        if not names:
            plain = self.name.replace("_", "-")
            names = [f"--{plain}", f"--no-{plain}"] if self.kind is bool else [f"--{plain}"]
        return ", ".join(f"`{name}`" if self.kind is bool else f"`{name} {self.metavar}`" for name in names)

    @property
    def shown_default(self) -> str:
        """The value when the option isn't given, in a sentence; empty where there is none to show."""
        if not self.info.show_default or self.kind is bool or self.default in (None, (), [], ""):
            return ""
        value = self.default.value if isinstance(self.default, enum.Enum) else self.default
        return f" By default `{value}`."


def parameters(command: Any) -> list[Parameter]:
    """What a command's function takes, as typer reads it from its signature."""
    command = complete(command)
    hints = typing.get_type_hints(command, include_extras=True)
    found = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind, default = hints[name], parameter.default
        told = next(
            (each for each in getattr(kind, "__metadata__", ()) if isinstance(each, ArgumentInfo | OptionInfo)), default
        )
        kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
        found.append(Parameter(name, told, single(kind), default))
    return found


def single(kind: Any) -> Any:
    """The type of one value: int for `list[int] | None`."""
    while typing.get_origin(kind) in (types.UnionType, typing.Union, list, tuple):
        kind = next(each for each in typing.get_args(kind) if each is not types.NoneType)
    return kind


TEXTS = {
    "": (
        "Command line",
        "command",
        (
            "Every command has `--help`.\nThe exit status is 0 when the work is done, 1 when it failed, 2 when the "
            "input was wrong, 130 if interrupted."
        ),
    ),
    ".ko": (
        "명령줄",
        "명령",
        (
            "모든 명령에 `--help`가 있습니다. 종료 상태는 끝나면 0, 일이 실패하면 1, 입력이 잘못되면 2, 중단하면 "
            "130입니다.\n명령마다 첫 문장은 한국어이고, 옵션의 설명은 명령이 말하는 영어 그대로입니다."
        ),
    ),
}


def write(folder: Path) -> None:
    """Write `command.md` and its translation."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, (title, head, about) in TEXTS.items():
        sentences = {module.NAME: said(module, suffix) for module in COMMANDS}
        lines = [f"# {title}", "", "" if suffix else app.info.help or "", "", f"| {head} | |", "|---|---|"]
        lines += [f"| [`backlit {name}`](#backlit-{name}) | {cell(said)} |" for name, said in sentences.items()]
        lines += ["", about, ""]
        for module in COMMANDS:
            lines += section(module, sentences[module.NAME] if suffix else "")
        (folder / f"command{suffix}.md").write_text("\n".join(lines), encoding="utf-8")


def said(module: Any, suffix: str) -> str:
    """What a command does, in a sentence."""
    if suffix:
        if module.NAME not in korean("commands"):
            raise LookupError(f"backlit {module.NAME} has no sentence in docs/site/summaries.ko.toml")
        return korean("commands")[module.NAME]
    return re.split(r"(?<=\.)\s", inspect.getdoc(module.command) or "", maxsplit=1)[0]


def section(module: Any, first: str = "") -> list[str]:
    """A subcommand: what it does, how it is called, examples, options by group; `first` comes before it all."""
    found = parameters(module.command)
    arguments = [each for each in found if isinstance(each.info, ArgumentInfo)]
    options = [each for each in found if isinstance(each.info, OptionInfo) and not each.info.hidden]
    usage = " ".join(["backlit", module.NAME, *(each.metavar for each in arguments), "[options]"])
    shown = [line.strip() for line in module.EXAMPLES.splitlines() if line.strip().startswith("backlit")]
    lines = [
        f"## backlit {module.NAME}",
        "",
        first,
        "",
        inspect.getdoc(module.command) or "",
        "",
        "```text",
        usage,
        "```",
        "",
    ]
    if shown:
        lines += ["Examples:", "", "```bash", *shown, "```", ""]
    if arguments:
        lines += ["| argument | |", "|---|---|"]
        lines += [f"| `{each.metavar}` | {cell(each.info.help)} |" for each in arguments]
        lines.append("")
    panels: dict[str, list[Parameter]] = {}
    for option in options:
        panels.setdefault(option.info.rich_help_panel or "Options", []).append(option)
    for panel, inside in panels.items():
        lines += [f"| {panel} | |", "|---|---|"]
        lines += [f"| {cell(each.flags)} | {cell(each.info.help)}{cell(each.shown_default)} |" for each in inside]
        lines.append("")
    return lines


def cell(text: str | None) -> str:
    """Text for a table's cell."""
    text = re.sub(r"\s+", " ", text or "")
    return text.replace("|", "\\|").replace("<", "&lt;")
