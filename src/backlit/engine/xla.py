"""The XLA engine: programs traced with JAX arrays and compiled, own backward pass included.

JAX is array library, compiler and device layer here. Its automatic differentiation is not used.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jax.sharding import NamedSharding, PartitionSpec

from backlit.engine.compiled import Compiled, P, R
from backlit.engine.devices import ROWS, dividing_axis, mesh, require_platforms
from backlit.graph import tree
from backlit.graph.kernels import xla as kernels


class XlaEngine:
    """Compiles programs with XLA, for one device or for several, of one process or many, that share each batch.

    For several the same program is compiled, with notes on which arrays are shared out and which are held by all; XLA's
    partitioner divides the work along them, and puts in the sums over all devices.
    """

    name = "xla"

    def __init__(self, devices: int = 1, processes: int = 1) -> None:
        require_platforms()
        self.devices = devices * processes
        self._mesh = mesh(devices, processes) if self.devices > 1 else None
        self._several = processes > 1

    @property
    def accelerated(self) -> bool:
        """Whether it computes on something that does much at once, and not on a processor."""
        return bool(jax.default_backend() != "cpu")

    def put(self, value: Any, dtype: Any = None) -> jax.Array:
        """The value on the device, or on all of them."""
        array = np.asarray(value, dtype=dtype)
        with jax.enable_x64(True):
            if self._several:  # each process has the same value, and sees to its own devices
                return jax.make_array_from_callback(array.shape, self._placed(), lambda part: array[part])
            return jax.device_put(array, self._placed())

    def put_shared(self, value: np.ndarray, axis: int) -> jax.Array:
        """An array that is put together, along an axis, of equal parts that each process has."""
        shape = [length * self.devices if place == axis else length for place, length in enumerate(value.shape)]
        shape[axis] //= len(self._mesh.local_devices) if self._mesh is not None else 1
        with jax.enable_x64(True):
            sharding = self._placed(*[None] * axis, ROWS)
            return jax.make_array_from_process_local_data(sharding, value, tuple(shape))

    def share(self, array: Any, axis: int = 0) -> Any:
        """The array, of which each device holds an equal part along an axis; what follows from a part is its work.

        One that can't be divided equally each holds whole, and all do the same work.
        """
        if self._mesh is None or array.shape[axis] % self.devices:
            return array
        return lax.with_sharding_constraint(array, self._placed(*[None] * axis, ROWS))

    def everywhere(self, arrays: Any) -> Any:
        """A tree of arrays that each device holds whole."""
        if self._mesh is None:
            return arrays
        return tree.map(lambda array: lax.with_sharding_constraint(array, self._placed()), arrays)

    def alone(self) -> XlaEngine:
        """One of its devices, for what a map over all of them does on each."""
        one = copy.copy(self)
        one.devices, one._mesh, one._several = 1, None, False
        return one

    def told(self, arrays: Any) -> Any:
        """A tree of results of a program that the host reads, at each process of several whole."""
        return self.everywhere(arrays) if self._several else arrays

    def divided(self, arrays: Any) -> Any:
        """A tree of arrays, of which each device holds an equal part where a shape allows it, and else the whole.

        Rajbhandari, Rasley, Ruwase, He: ZeRO: Memory Optimizations Toward Training Trillion Parameter Models, 2020
        (arXiv:1910.02054).
        """
        if self._mesh is None:
            return arrays
        return tree.map(lambda array: lax.with_sharding_constraint(array, self._divided(array.shape)), arrays)

    def put_divided(self, value: Any, dtype: Any = None, ahead: int = 0) -> jax.Array:
        """The value as `divided` has it within a program; `ahead` axes in front of its shape are a map's."""
        if self._mesh is None:
            return self.put(value, dtype)
        value = np.asarray(value, dtype=dtype)
        with jax.enable_x64(True):
            return jax.make_array_from_callback(value.shape, self._divided(value.shape, ahead), value.__getitem__)

    def fetch(self, arrays: Any) -> Any:
        """A tree of arrays as NumPy arrays, whole, whoever holds which part."""
        leaves, structure = tree.flatten(arrays)
        apart = [i for i, leaf in enumerate(leaves) if not getattr(leaf, "is_fully_replicated", True)]
        if self._several and apart:  # then every process fetches: each has but a part
            whole = self._gathering([leaves[i] for i in apart])
            for i, leaf in zip(apart, whole, strict=True):
                leaves[i] = leaf
        return tree.unflatten(structure, [np.asarray(leaf) for leaf in leaves])

    @functools.cached_property
    def _gathering(self) -> Callable[[list[Any]], list[Any]]:
        """One program for all fetching of the same shapes, rather than one a checkpoint."""
        return jax.jit(lambda parts: parts, out_shardings=self._placed())

    def _divided(self, shape: tuple[int, ...], ahead: int = 0) -> NamedSharding | None:
        axis = dividing_axis(shape[ahead:], self.devices)
        return self._placed() if axis is None else self._placed(*[None] * (ahead + axis), ROWS)

    def _placed(self, *axes: str | None) -> NamedSharding | None:
        return None if self._mesh is None else NamedSharding(self._mesh, PartitionSpec(*axes))

    def take_rows(self, array: jax.Array, rows: jax.Array) -> jax.Array:
        """``array[rows]`` along the first axis; without the check of the row numbers that indexing compiles in."""
        return array.at[rows].get(mode="promise_in_bounds")

    def stack(self, arrays: list[jax.Array]) -> jax.Array:
        """Arrays of one shape along a new first axis."""
        return jnp.stack(arrays)

    def compile(self, f: Callable[P, R]) -> Compiled[P, R]:
        """`f` compiled, once for each shape."""
        return Compiled(f, inside=True)

    def scan(self, f: Callable[..., Any], carry: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
        """``carry, y = f(carry, x)`` over the first axis of `xs`, as one loop of the compiled program."""
        return kernels.scan(f, carry, xs, reverse)

    def loop(self, f: Callable[..., Any], carry: Any, count: Any, length: int) -> tuple[Any, Any]:
        """``carry, y = f(carry, i)`` for i in 0 … count - 1; `count` may differ between calls of one program."""
        body = kernels.Flat(f, carry, 0)
        start = tree.leaves(carry)
        # Traced once here, for the shapes of the ys; the loop replays what was traced.
        traced, (_, shapes) = jax.make_jaxpr(lambda c, i: body(c, [i]), return_shape=True)(start, jnp.int32(0))
        replay = jaxpr_as_fun(traced)
        buffers = [jnp.zeros((length, *y.shape), y.dtype) for y in shapes]

        def step(i: Any, state: Any) -> Any:
            results = replay(*state[0], i)
            filled = zip(state[1], results[len(start) :], strict=True)
            return results[: len(start)], [lax.dynamic_update_index_in_dim(buffer, y, i, 0) for buffer, y in filled]

        carry_leaves, buffers = lax.fori_loop(jnp.int32(0), count, step, (start, buffers))
        return body.carry(carry_leaves), body.y(buffers)

    def map(self, f: Callable[..., Any], mapped: Any) -> Any:
        """``f(part)`` for each part along the first axis of `mapped`, all at once; the results stacked."""
        leaves, structure = tree.flatten(mapped)
        result: list[Any] = []

        def one(*parts: Any) -> list[Any]:
            results, inner = tree.flatten(f(tree.unflatten(structure, list(parts))))
            result.append(inner)
            return results

        results = jax.vmap(one)(*leaves)
        return tree.unflatten(result[0], results)
