"""Which task a DATA argument and its options mean: a table, texts, time series, pictures, a data set or a long text."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any, TypeVar

from backlit.data.files.kinds import is_table
from backlit.data.files.packed import PART
from backlit.data.pictures.arrays import holds_pictures
from backlit.data.table.target import as_names
from backlit.data.text.tagged import is_tagged
from backlit.errors import InputError, unknown
from backlit.settings import Declaration, Record, build, declared
from backlit.tasks.dataset import DatasetTask
from backlit.tasks.options import Call, Options, of_fit
from backlit.tasks.pairs import PairsTask
from backlit.tasks.pictures import PicturesTask
from backlit.tasks.series import SeriesTask
from backlit.tasks.stream import StreamTask
from backlit.tasks.streamed import StreamedTask, wants_stream
from backlit.tasks.table import TableTask
from backlit.tasks.task import Task
from backlit.tasks.texts import TextsTask
from backlit.train.result import Result

ON_TABLES: tuple[type[Task], ...] = (
    TableTask,
    TextsTask,
    SeriesTask,
    PairsTask,
)  # the first unless an option says otherwise
OF_THE_COMMAND: tuple[type[Task], ...] = (*ON_TABLES, StreamedTask, PicturesTask, StreamTask, DatasetTask)
# Of `Call`; the others are for commands.
PUBLIC = ("checkpoint", "checkpoint_every", "resume", "overwrite", "progress", "probes", "callbacks", "say")
TELLING = {
    "horizon": SeriesTask,
    "to": PairsTask,
    "picture": PairsTask,
    "text": TextsTask,
}  # options that say which of a table's tasks it is


def data_options(tasks: Sequence[type[Task]] | None = None) -> dict[str, Declaration]:
    """What may be said of the data that these tasks take, by name; by default those of the command."""
    options: dict[str, Declaration] = {}
    for task in OF_THE_COMMAND if tasks is None else tasks:
        for name, declaration in declared(task).items():
            options.setdefault(name, declaration)
    return options


def task_of(choices: Mapping[str, Any]) -> tuple[Task, Any]:
    """The task that the command's options mean, and the data to be read by it.

    Parameters
    ----------
    choices : dict
        The command's options by name; "data" is a file, a folder or a data set's name.

    Raises
    ------
    InputError
        If an option is for another kind of data; the message tells which.
    """
    name = str(choices["data"])
    given = {option: choices[option] for option in data_options() if is_given(choices.get(option))}
    if wants_stream(name, bool(given.get("stream"))):
        if "target" not in given:
            raise InputError(f"{name}: say which column to predict: --target COLUMN (it is read as a stream)")
        return chosen((StreamedTask,), given, f"{name} is read as a stream"), name
    if _is_there(name, Path.is_dir):
        return chosen((PicturesTask,), given, f"{name} is a folder, of pictures"), name
    if holds_pictures(name):
        label = given.pop("target", ())
        return chosen((PicturesTask,), given, f"{name} holds pictures"), PART.join([name, *as_names(label)])
    if not is_file(name):
        return chosen((DatasetTask,), given, f"{name} is a data set with its own target"), name
    if is_tagged(name):
        given = {"to": "tags", **given}
    if given.get("to") == "tags":
        return chosen(ON_TABLES, given, f"{name} is a file"), name
    if "target" not in given and is_text(name):
        why = f"{name} is learned as a text, for want of a --target"
        return chosen((StreamTask,), given, why), Path(name)
    why = f"{name} is a file" if _is_there(name) else f"{name} doesn't exist"
    if "target" not in given:
        others = {option: value for option, value in given.items() if option not in data_options(ON_TABLES)}
        chosen(ON_TABLES, {"target": "", **others}, why)  # what is for other data is told first
        raise InputError(f"{name}: say which column to predict: --target COLUMN ({_columns(name)})")
    return chosen(ON_TABLES, given, why), name


def chosen(tasks: Sequence[type[Task]], given: Mapping[str, Any], why: str = "") -> Task:
    """The one of several tasks that the options mean, made of them.

    Parameters
    ----------
    tasks : sequence of classes
        Those that take such data.
    given : dict of name to value
        What was said of the data.
    why : str
        Of the command: why it must be one of these.
    """
    names = [name for name in TELLING if is_given(given.get(name)) and TELLING[name] in tasks]
    kind: type[Task] = TELLING[names[0]] if names else tasks[0]
    for name in given:
        if name not in declared(kind):
            raise _misplaced(name, kind, tasks, why, names[0] if names else "")
    return build(kind, {name: parsed(declared(kind)[name], value) for name, value in given.items()}, kind.kind)


def _misplaced(name: str, kind: type[Task], tasks: Sequence[type[Task]], why: str, telling: str) -> InputError:
    """What is said of an option that is for another kind of data."""
    others = [task for task in OF_THE_COMMAND if name in declared(task)]
    near = [task for task in others if task in tasks]
    if not near:
        sources = " and ".join(dict.fromkeys(task.source for task in others))
        return InputError(f"{flag_of(name)} is for {sources}; {why}")
    if name in kind.reasons:
        return InputError(kind.reasons[name])
    if not telling:
        return InputError(f"{name} is for {near[0].kind}: {near[0].hint}")
    return InputError(f"{name} doesn't apply to {kind.kind}; leave it out, or the {telling}")


def options_of(choices: Mapping[str, Any]) -> Options:
    """How the job is planned, of the command's options; those that weren't given keep their defaults."""
    options = declared(Options)
    given = {name: parsed(options[name], value) for name, value in choices.items() if name in options}
    return Options(**{name: value for name, value in given.items() if value is not None})


def of_fit_among(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `fit` that no plan is made for, of the command's options."""
    options = of_fit()
    given = {name: parsed(options[name], value) for name, value in choices.items() if name in options}
    return {name: value for name, value in given.items() if value is not None}


def is_given(value: Any) -> bool:
    """Whether an option was given: not None, no switch that is off, and not an empty list."""
    return not (value is None or value is False or (isinstance(value, (list, tuple)) and not value))


def parsed(declaration: Declaration, value: Any) -> Any:
    """A value that may have been typed: text is read as the declaration says."""
    return declaration.parse(value) if declaration.parse is not None and isinstance(value, str) else value


def flag_of(name: str) -> str:
    """An option as it is typed.

    >>> flag_of("skip_broken"), flag_of("learning_rate")
    ('--skip-broken', '--lr')
    """
    option = {**data_options(), **declared(Options)}.get(name)
    return option.flags[0] if option is not None and option.flags else f"--{name.replace('_', '-')}"


def default_of(name: str) -> Any:
    """What an option of the command is where nobody says anything.

    >>> default_of("seed"), default_of("engine"), default_of("learning_rate")
    (0, 'xla', None)
    """
    option = {**data_options(), **declared(Options), **of_fit()}.get(name)
    return None if option is None else option.default


def is_file(name: str) -> bool:
    """Whether DATA names a file rather than a data set."""
    return name == "-" or _is_there(name) or any(character in name for character in "./\\")


def _is_there(name: str, test: Callable[[Path], bool] = Path.exists) -> bool:
    """Whether a path exists, or passes another test; one that is closed to us exists, one that can't be doesn't."""
    try:
        return test(Path(name))
    except PermissionError:
        return test is Path.exists
    except (OSError, ValueError):
        return False


def is_text(name: str) -> bool:
    """Whether a file's name doesn't say that it holds a table: then, without a target, it is a text to go on with."""
    return not is_table(name)


def _columns(path: str) -> str:
    """The columns of a file, to choose from."""
    from backlit.data import read
    from backlit.data.table.values import some

    return "it has " + some(read(path).columns, 20)


def job(tasks: Sequence[type[Task]], data: Any, given: Mapping[str, Any], where: str) -> Result:
    """Train on data by the one of several tasks that the options mean.

    Parameters
    ----------
    tasks : sequence of classes
        Those that take such data.
    data : object
        What `Task.read` takes.
    given : dict of name to value
        Options of the data, of `Options` and of `Call`.
    where : str
        What takes them, for messages: "fit_text".

    Raises
    ------
    UnknownNameError
        If an option isn't known; the nearest is named.
    InputError
        If one doesn't fit the data, or another one.
    """
    started = time.monotonic()
    of_data = data_options(tasks)
    known = {**of_data, **declared(Options), **of_fit(), **{name: declared(Call)[name] for name in PUBLIC}}
    for name in given:
        if name not in known:
            raise unknown(f"option of {where}", name, known)
    said = {name: value for name, value in given.items() if name in of_data and is_given(value)}
    options = _made(Options, given)
    task = chosen(tasks, said)
    return task.train(
        task.read(data), options, _made(Call, {**given, "started": started, "training": of_fit_among(given)})
    )


F = TypeVar("F", bound=Callable[..., Result])


def taking(*tasks: type[Task]) -> Callable[[F], F]:
    """Show a function of data and ``**options`` with every option, its type, its default and what it means.

    In its docstring the line OPTIONS stands for them; those that it has as parameters of its own keep their place.
    """

    def shown(function: F) -> F:
        signature = inspect.signature(function)
        *positional, _ = signature.parameters.values()
        without = set.intersection(*(set(task.without) for task in tasks))
        public = {name: option for name, option in declared(Call).items() if name in PUBLIC}
        planning = {name: option for name, option in declared(Options).items() if name not in without}
        options = data_options(tasks) | planning | of_fit() | public
        said = [parameter.name for parameter in positional]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=option.type)
            for name, option in options.items()
            if name not in said
        ]
        function.__signature__ = signature.replace(parameters=[*positional, *more])  # type: ignore[attr-defined]
        documentation = "\n".join(
            f"{option.name} : {option.kind}\n{indent(option.doc, ' ' * 4)}" for option in options.values()
        )
        function.__doc__ = (function.__doc__ or "").replace("OPTIONS\n", indent(documentation, " " * 4).lstrip() + "\n")
        return function

    return shown


R = TypeVar("R", bound=Record)


def _made(record: type[R], given: Mapping[str, Any]) -> R:
    return record(**{name: value for name, value in given.items() if name in declared(record)})
