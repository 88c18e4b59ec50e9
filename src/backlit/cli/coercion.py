"""Values of flags and arguments that need no conversion: typer's own takes pydantic, a tenth of a second to import."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def coerced_lightly(parameters: Iterable[Any]) -> list[Any]:
    """Parameters that leave to typer only what it has to convert or to refuse: fractions, and mistakes."""
    parameters = list(parameters)
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)  # before 0.27 typer converts without pydantic
        if descriptor is not None and "process_value" not in vars(parameter):
            parameter.process_value = _lightly(parameter, descriptor.annotation, descriptor.parameter_info)
    return parameters


def _lightly(parameter: Any, kind: Any, about: Any) -> Any:
    """The parameter's `process_value`, which asks typer's only if it is needed."""
    convert = parameter.process_value
    single = parameter.nargs == 1 and not parameter.multiple
    own = about.parser is not None

    def process_value(ctx: Any, value: Any) -> Any:
        if value is None and not parameter.required:
            value = None if single else ()
        elif own or not single:
            return convert(ctx, value)
        elif type(value) is kind and kind in (str, bool, int, float) and _between(about, value):
            pass
        elif kind is int and type(value) is str and _is_whole(value) and _between(about, int(value)):
            value = int(value)
        elif kind is Path and type(value) is str and _may_be_read(value):
            value = Path(value)
        else:
            return convert(ctx, value)
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    return process_value


def _is_whole(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 10


def _between(about: Any, value: Any) -> bool:
    return (about.min is None or about.min <= value) and (about.max is None or value <= about.max)


def _may_be_read(path: str) -> bool:
    return os.access(path, os.R_OK) or not os.path.exists(path)  # noqa: PTH110 - as typer asks, without a Path
