"""Memory of each device when parameters and the optimizer's state are divided over 1, 2, 4 and 8 of them."""

from __future__ import annotations

import json
import sys

from benchmarks.scaling import table, told, worker
from benchmarks.scaling.averaging import compiled_of

DEVICES = (1, 2, 4, 8)
MIB = 2**20


def work(width: int) -> None:
    """Bytes on the first device, by devices and what is divided: of the state, and in the program at its most."""
    import numpy as np

    import backlit as bl
    from backlit.graph import tree
    from backlit.train.loop import Loop
    from backlit.train.prepare import prepare
    from backlit.train.training import Training

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((256, 256), dtype=np.float32), rng.integers(0, 10, 256)
    found = []
    for devices in DEVICES:
        for shard in (None, "optimizer", "parameters") if devices > 1 else (None,):
            net = bl.Sequential(bl.Linear(width), bl.ReLU(), bl.Linear(width), bl.ReLU(), bl.Linear(10))
            options = {"optimizer": bl.Adam(1e-3), "batch_size": 64, "epochs": 2, "devices": devices, "shard": shard}
            loop = Loop(prepare(net, x, y, Training(chunk=1, **options)))
            memory = compiled_of(loop.run).memory_analysis()
            state = loop.state.train_state
            leaves = tree.leaves({name: state[name] for name in ("params", "optimizer")})
            found.append(
                {
                    "devices": devices,
                    "shard": shard or "nothing",
                    "state": sum(leaf.addressable_shards[0].data.nbytes for leaf in leaves),
                    "parameters": sum(leaf.nbytes for leaf in tree.leaves(state["params"])),
                    "taken": memory.argument_size_in_bytes,
                    "temporary": memory.temp_size_in_bytes,
                    "loss": loop.history[-1]["loss"],
                }
            )
    print(json.dumps(found), flush=True)


def figure(quick: bool) -> str:
    """By devices: what each holds between updates, what the program takes beside it, and the loss, the same for all."""
    width = 1024 if quick else 2048
    found = told(worker("benchmarks.scaling.sharding", str(width), JAX_NUM_CPU_DEVICES=str(max(DEVICES))))
    whole = found[0]["state"]
    rows = [
        [
            str(line["devices"]),
            line["shard"],
            f"{line['state'] / MIB:.2f}",
            f"{line['state'] / whole:.3f}",
            f"{line['temporary'] / MIB:.1f}",
            f"{line['loss']:.6g}",
        ]
        for line in found
    ]
    heads = ["devices", "divided", "state, MiB each", "÷ whole", "temporary, MiB each", "loss"]
    return (
        f"### Memory of each device: 256-{width}-{width}-10, {found[0]['parameters'] / 4:,.0f} parameters, Adam\n\n"
        f"{table(heads, rows, words=2)}\n\n"
        "State: parameters and both moments, between updates. Temporary: the program's own at its most, gradient and "
        "fetched parameters among it.\n"
    )


if __name__ == "__main__":
    work(int(sys.argv[2]))
