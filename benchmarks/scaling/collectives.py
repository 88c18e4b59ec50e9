"""What an all-reduce costs between processes of one machine, by size: XLA's collectives over Gloo and loopback.

The time of n numbers is fitted by ``t = α + n · 4 bytes / β``, the latency and the bandwidth of the cost model in
docs/scale.md (Hockney, 1994; Thakur, Rabenseifner and Gropp, 2005).
"""

from __future__ import annotations

import json
import socket
import sys
import time

import numpy as np

from benchmarks.scaling import table, told, worker

SIZES = (1, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)  # float32 numbers
ROUNDS, SECONDS = 7, 0.4  # of each size


def work(index: int, port: str, rounds: int) -> None:
    """One of two processes: least seconds of an all-reduce of each size, many of them in one program."""
    import jax
    import jax.numpy as jnp
    from jax import lax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=2, process_id=index)
    mesh = Mesh(np.array(jax.devices()), ("rows",))

    def summed(part: jax.Array, count: jax.Array) -> jax.Array:
        def body(_: int, value: jax.Array) -> jax.Array:
            return lax.psum(value, "rows") * 0.5  # each sum needs the one before

        return lax.fori_loop(0, count, body, part)

    run = jax.jit(
        jax.shard_map(
            summed, mesh=mesh, in_specs=(PartitionSpec("rows"), PartitionSpec()), out_specs=PartitionSpec("rows"),
            check_vma=False,
        )
    )  # fmt: skip
    seconds = []
    for size in SIZES:
        part = jax.make_array_from_process_local_data(
            NamedSharding(mesh, PartitionSpec("rows")), np.ones(size, np.float32)
        )
        count = max(2, int(SECONDS / (4e-4 + 4e-9 * size)))  # of the size alone, so that both run the same number
        run(part, jnp.int32(count)).block_until_ready()
        each = []
        for _ in range(rounds):
            begin = time.perf_counter()
            run(part, jnp.int32(count)).block_until_ready()
            each.append((time.perf_counter() - begin) / count)
        seconds.append(min(each))  # others may be at work, too
    print(json.dumps(seconds), flush=True)


def fitted(sizes: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """α in seconds and β in bytes a second, by least squares of relative errors."""
    rows = np.stack([np.ones(len(sizes)), sizes * 4.0], axis=1) / seconds[:, None]
    latency, inverse = np.linalg.lstsq(rows, np.ones(len(sizes)))[0]
    return float(latency), float(1 / inverse)


def measured(quick: bool) -> np.ndarray:
    """Seconds of each size between two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    rounds = "3" if quick else str(ROUNDS)
    processes = [worker("benchmarks.scaling.collectives", str(index), port, rounds) for index in range(2)]
    return np.array([told(process) for process in processes]).max(axis=0)


def figure(quick: bool) -> str:
    """The table, and α and β."""
    seconds = measured(quick)
    latency, bandwidth = fitted(np.array(SIZES), seconds)
    model = latency + np.array(SIZES) * 4 / bandwidth
    rows = [
        [f"{size:,}", f"{1e6 * taken:,.0f}", f"{1e6 * by:,.0f}"]
        for size, taken, by in zip(SIZES, seconds, model, strict=True)
    ]
    return (
        "### All-reduce between two processes, Gloo over loopback\n\n"
        f"{table(['float32 numbers', 'µs', 'α + bytes / β'], rows, words=0)}\n\n"
        f"α = {1e6 * latency:.0f} µs, β = {bandwidth / 1e9:.2f} GB/s.\n"
    )


if __name__ == "__main__":
    work(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
