"""`compile`: any function of arrays and Tensors as one XLA program, and why it is compiled again."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from backlit.engine import cache
from backlit.errors import RecompilationWarning
from backlit.extras import without_jax
from backlit.graph import tree
from backlit.graph.tensor import Tensor, value_of

try:
    import jax
except ModuleNotFoundError as error:
    raise without_jax("bl.compile", error) from error

try:  # within it ``x[7]`` of four numbers is refused while tracing, rather than the last taken
    from jax._src.config import check_static_indices  # JAX has it in public as a setting of the whole process only
except ImportError:
    check_static_indices = contextlib.nullcontext

P = ParamSpec("P")
R = TypeVar("R")


class Compiled(Generic[P, R]):
    """A function that runs as a compiled program: see `compile`.

    Attributes
    ----------
    traces : int
        How often it was compiled: once for each combination of shapes, types and settings.
    """

    def __init__(self, f: Callable[P, R], inside: bool = False) -> None:
        cache.configure()
        self._f = f
        self._inside = inside  # whether it is the library's own: other shapes are expected, results stay on the device
        self.name = getattr(f, "__name__", type(f).__name__)
        self.traces = 0
        self._lock = threading.Lock()  # of what follows: calls from several threads share it
        self._keys: set[Any] = set()  # what was compiled for
        self._shapes_in_words: list[dict[str, str]] = []  # the same in words
        self._jitted = jax.jit(self._run, static_argnums=0)
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        leaves, structure = tree.flatten((args, kwargs))
        if any(type(leaf) is Tensor for leaf in leaves):
            return self._f(*args, **kwargs)  # part of a graph that someone differentiates: becomes part of theirs
        arrays, settings = [], []
        for leaf in leaves:
            is_array = hasattr(leaf, "shape") or (isinstance(leaf, (int, float)) and not isinstance(leaf, bool))
            settings.append(_ARRAY if is_array else leaf)
            if is_array:
                arrays.append(leaf)
        fixed = _Fixed(structure, tuple(settings))
        key = (fixed, tuple([_kind(array) for array in arrays]))
        if key not in self._keys:
            self._explain(key, args, kwargs)
        with jax.enable_x64(True):
            result = self._jitted(fixed, *arrays)
        leaves = result.leaves if self._inside else [_on_host(leaf) for leaf in result.leaves]
        return tree.unflatten(result.structure, leaves)

    def _run(self, fixed: _Fixed, *arrays: Any) -> _Returned:
        with self._lock:
            self.traces += 1
        remaining = iter(arrays)
        leaves = [next(remaining) if setting is _ARRAY else setting for setting in fixed.settings]
        args, kwargs = tree.unflatten(fixed.structure, leaves)
        try:
            with check_static_indices(True):
                leaves, structure = tree.flatten(self._f(*args, **kwargs))
        except jax.errors.TracerArrayConversionError as error:
            raise TypeError(
                f"{self.name} hands a value to NumPy, which would leave the compiled program; use backlit.ops there"
            ) from error
        except (jax.errors.ConcretizationTypeError, jax.errors.TracerBoolConversionError) as error:
            raise TypeError(
                f"{self.name} decides something by a value (if, while, int, float), which isn't known while compiling; "
                "use backlit.ops.where, or pass the value as a setting (bool or str)"
            ) from error
        return _Returned([value_of(leaf) for leaf in leaves], structure)

    def _explain(self, key: Any, args: Any, kwargs: Any) -> None:
        """Remember this call's shapes; if they aren't the first, say what differs from the nearest ones before."""
        now = {path: _kind_text(leaf) for path, leaf in tree.items((args, kwargs))}
        with self._lock:
            if key in self._keys:
                return
            before = list(self._shapes_in_words)
            self._keys.add(key)
            self._shapes_in_words.append(now)
        if before and not self._inside:
            differences = [
                [
                    f"{_argument(k)}: {then.get(k, 'absent')} → {now.get(k, 'absent')}"
                    for k in {**then, **now}
                    if then.get(k) != now.get(k)
                ]
                for then in before
            ]
            fewest = min(differences, key=len)
            warnings.warn(
                f"{self.name} is compiled again (time number {len(before) + 1}): "
                f"{'; '.join(fewest[:5]) or 'other structure'}. "
                "Pad to one shape, or keep types equal, to avoid it",
                RecompilationWarning,
                stacklevel=3,
            )


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class _Returned:
    """What a traced function returned; its structure travels with the compiled program, as what JAX knows of it."""

    leaves: list[Any]
    structure: tree.Structure

    def tree_flatten(self) -> tuple[list[Any], tree.Structure]:
        return self.leaves, self.structure

    @classmethod
    def tree_unflatten(cls, structure: tree.Structure, leaves: Any) -> _Returned:
        return cls(list(leaves), structure)


class _Array:
    """Marks the place of an array among settings."""


_ARRAY = _Array()


class _Fixed:
    """What a program is compiled for besides shapes: the arguments' structure and settings."""

    def __init__(self, structure: tree.Structure, settings: tuple[Any, ...]) -> None:
        self.structure = structure
        self.settings = settings
        self._hash = hash((structure, settings))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fixed) and (self.structure, self.settings) == (other.structure, other.settings)


def _on_host(leaf: Any) -> Any:
    """A result as a NumPy array: outside a program a JAX array's arithmetic would fall from float64 to float32."""
    return leaf if isinstance(leaf, jax.core.Tracer) else np.asarray(leaf)


def _kind(array: Any) -> tuple[Any, ...]:
    return (array.shape, array.dtype) if hasattr(array, "shape") else (type(array),)


def _kind_text(leaf: Any) -> str:
    return (
        f"{leaf.dtype}{list(leaf.shape)}"
        if hasattr(leaf, "shape")
        else (type(leaf).__name__ if isinstance(leaf, (int, float)) and not isinstance(leaf, bool) else repr(leaf))
    )


def _argument(path: str) -> str:
    """Path "0/1/weight" as "argument 1/weight", and "1/alpha" as "argument alpha"."""
    return f"argument {path.split('/', 1)[-1]}"


def compile(f: Callable[P, R]) -> Compiled[P, R]:
    """`f` as one program compiled by XLA, derivatives inside it included.

    Parameters
    ----------
    f : callable
        Of arrays, numbers, nested dicts, lists and dataclasses of them; strings, booleans and None are settings that
        the program is compiled for. Written with operators and `backlit.ops`.

    Returns
    -------
    Compiled
        Called like `f`; results are NumPy arrays, read-only where they share memory with the program's. It is compiled
        at the first call and again for each new shape, type or setting, which a `RecompilationWarning` explains.
        Called with Tensors, it runs as part of their graph instead.

    Raises
    ------
    TypeError
        If `f` hands traced values to NumPy or decides by them.
    IndexError
        If a constant index lies outside: ``x[7]`` of four numbers. Places that are computed or come in an array can't
        be seen while compiling; in brackets, one outside counts as the nearest inside (`backlit.ops.getitem` and `take`
        check constant arrays, too).

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> slope = bl.compile(bl.grad(lambda x: bl.ops.sum(x * x)))
    >>> slope(np.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    return Compiled(f)
