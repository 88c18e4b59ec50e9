"""Several devices that work on one batch together, and how a process comes by them."""

from __future__ import annotations

import contextlib
import math

import jax
import numpy as np
from jax.sharding import Mesh

from backlit.errors import InputError

ROWS = "rows"  # the mesh's one axis
LEAST_DIVIDED = 1024  # numbers of an array: to fetch the parts of a smaller one takes longer than they are worth


def dividing_axis(shape: tuple[int, ...], devices: int) -> int | None:
    """The longest axis that devices can share equally, the first of several; None if the array is to stay whole.

    >>> [dividing_axis(shape, 8) for shape in ((784, 1000), (1000, 785), (999, 785), (8,))]
    [1, 0, None, None]
    """
    fitting = [axis for axis, length in enumerate(shape) if length and length % devices == 0]
    if math.prod(shape) < LEAST_DIVIDED or not fitting:
        return None
    return max(fitting, key=lambda axis: shape[axis])


def require_platforms() -> None:
    """Refuse platforms that the user named and this machine hasn't.

    Raises
    ------
    InputError
        If JAX finds none of them.
    """
    named = jax.config.jax_platforms
    if named in (None, "", "cpu"):  # then there is no need to ask, which would settle on a number of devices
        return
    try:
        jax.devices()
    except (AssertionError, RuntimeError) as error:
        told = " ".join(str(error).split())
        raise InputError(
            f"JAX_PLATFORMS={named}: JAX has no such device here{f' ({told})' if told else ''}; unset the variable, or "
            "choose the numpy engine"
        ) from error


def mesh(count: int, processes: int = 1) -> Mesh:
    """The first `count` devices of this process, or of each of several, in a row.

    A processor is one device to JAX unless it was told otherwise before it first computed something; so that is tried.

    Raises
    ------
    InputError
        If there are fewer; the message says how many there are and how to get more.
    """
    with contextlib.suppress(RuntimeError):  # if it has
        jax.config.update("jax_num_cpu_devices", max(count, jax.config.jax_num_cpu_devices))
    own = [[device for device in jax.devices() if device.process_index == i] for i in range(processes)]
    if processes == 1:
        own = [jax.local_devices()]
    for devices in own:
        if len(devices) < count:
            raise InputError(f"devices={count}: {_there_are(devices, processes)}")
    return Mesh(np.array([devices[:count] for devices in own]).reshape(-1), (ROWS,))


def _there_are(devices: list[jax.Device], processes: int) -> str:
    kind = devices[0].device_kind if devices[0].platform != "cpu" else "processor"
    which = "this process" if processes == 1 else f"process {devices[0].process_index}"
    there = f"{which} has {len(devices)} ({kind})"
    if devices[0].platform != "cpu":
        return f"{there}; give it more (CUDA_VISIBLE_DEVICES says which it sees), or ask for fewer"
    return (
        f"{there}, and JAX can't divide it into more once it has computed something: train in a process that hasn't, "
        "or set the environment variable JAX_NUM_CPU_DEVICES to their number before Python starts"
    )
