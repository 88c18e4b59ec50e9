"""Libraries that only some of what Backlit does needs, and that come with an extra."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from backlit.errors import InputError


def need(module: str, *, extra: str, why: str) -> ModuleType:
    """Import an optional library, or say how to install it.

    Parameters
    ----------
    module : str
        Its import name: "onnx", "torch".
    extra : str
        The extra of Backlit that brings it.
    why : str
        What needs it, as a sentence begins: "exporting to ONNX".

    Raises
    ------
    InputError
        If it isn't installed.

    Examples
    --------
    >>> need("jsonn", extra="onnx", why="exporting")
    Traceback (most recent call last):
    backlit.errors.InputError: exporting needs another package: pip install 'backlit[onnx]' (jsonn isn't installed)
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if missing.partition(".")[0] != module.partition(".")[0]:
            raise  # it is installed, but something that it needs is not
        raise InputError(
            f"{why} needs another package: pip install 'backlit[{extra}]' ({module} isn't installed)"
        ) from error


IN_A_BROWSER = sys.platform == "emscripten"  # Python as Pyodide has it: no JAX, no threads, no other processes


def without_jax(what: str, error: ModuleNotFoundError) -> InputError:
    """The error for what only JAX can do, where it isn't there.

    Parameters
    ----------
    what : str
        What needs it, as a sentence begins: "engine='xla'".
    error : ModuleNotFoundError
        That the import raised; one of something else is raised again.
    """
    if (error.name or "").partition(".")[0] not in ("jax", "jaxlib"):
        raise error
    if IN_A_BROWSER:
        return InputError(f"{what} needs jax, which doesn't run in a browser: use engine='numpy', its default there")
    return InputError(f"{what} needs jax ({error.name} isn't installed): pip install jax, or use engine='numpy'")
