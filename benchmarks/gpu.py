"""All rows of the races on one graphics card, against PyTorch eager and compiled, in under three minutes.

    python -m benchmarks.gpu                     all rows; exit status 2 if there is no graphics card
    python -m benchmarks.gpu lstm cnn            some
    python -m benchmarks.gpu --precision bfloat16
    python -m benchmarks.gpu --on cpu --quick    two small rows on the processor, to see that the script itself works

A figure is the median over rounds, which are interleaved, of an epoch's time by its steps, without preparation and
transfer of the data before it: Backlit's as its history tells it, which ends when the losses have come to the host,
PyTorch's with the data on the device and nothing read between steps but the last loss, between two synchronisations.
Rows are named as in the races on processors, with whose figures these don't compare: w4 is trained by batches with
momentum and cross-entropy. `predict` is in float32 on both sides, whatever the precision of training. TF32 is allowed
to both. Every contestant runs once to warm up, compiling included. One for which the time doesn't suffice is left out,
and said so.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import residual

ROUNDS = 5
ROW_SECONDS, COMPILE_SECONDS = 15, 35  # that must be left to begin with a row, and with torch.compile
QUICK = ("mlp", "lstm")


class NoDeviceError(Exception):
    """There is no graphics card that both can use."""


@dataclass(frozen=True)
class Row:
    """A training: our network and theirs, and their common data.

    Parameters
    ----------
    network, module : callable
        What makes ours, and PyTorch's module, whose pictures have the channels second.
    inputs : tuple of int
        Of one row.
    classes : int
    batch, steps : int
        Rows of an update, updates of an epoch.
    codes : bool
        Whether inputs are whole numbers, below `classes`.
    along : bool
        Whether each time step has a target.
    optimizer : "adam" or "momentum"
    """

    network: Callable[[], Any]
    module: Callable[[Any], Any]
    inputs: tuple[int, ...]
    classes: int
    batch: int
    steps: int
    codes: bool = False
    along: bool = False
    optimizer: str = "adam"

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Random inputs, and the target of each row or step."""
        rng = np.random.default_rng(0)
        rows = self.batch * self.steps
        if self.codes:
            x = rng.integers(0, self.classes, (rows, *self.inputs)).astype(np.int32)
        else:
            x = rng.standard_normal((rows, *self.inputs)).astype(np.float32)
        return x, rng.integers(0, self.classes, (rows, *(self.inputs[:1] if self.along else ())))


def rows_of(quick: bool) -> dict[str, Row]:
    """The rows; or small ones."""
    import backlit as bl

    small = 8 if quick else 1
    steps = 4 if quick else 40
    hidden = 256 // small

    def dense(torch: Any) -> Any:
        nn = torch.nn
        parts = [nn.Linear(784, 512 // small), nn.ReLU(), nn.Linear(512 // small, 256 // small), nn.ReLU()]
        return nn.Sequential(*parts, nn.Linear(256 // small, 10))

    def convolutional(torch: Any) -> Any:
        nn = torch.nn
        return nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip

    def w4(torch: Any) -> Any:
        nn = torch.nn
        return nn.Sequential(nn.Linear(1000, 100, bias=False), nn.Sigmoid(), nn.Linear(100, 10, bias=False))

    def recurrent(layer: Any) -> Callable[[], Any]:
        return lambda: bl.Sequential(layer(hidden, return_sequences=True), bl.Linear(65))

    return {
        "w4": Row(
            lambda: bl.Sequential(bl.Linear(100, bias=False), bl.Sigmoid(), bl.Linear(10, bias=False)),
            w4, (1000,), 10, 64, 20 * steps, optimizer="momentum",
        ),
        "mlp": Row(
            lambda: bl.Sequential(
                bl.Linear(512 // small), bl.ReLU(), bl.Linear(256 // small), bl.ReLU(), bl.Linear(10)
            ),
            dense, (784,), 10, 128, 5 * steps,
        ),
        "lstm": Row(
            recurrent(bl.LSTM), lambda torch: reader(torch, torch.nn.LSTM, hidden), (64 // small, 65), 65, 32, steps,
            along=True,
        ),
        "gru": Row(
            recurrent(bl.GRU), lambda torch: reader(torch, torch.nn.GRU, hidden), (64 // small, 65), 65, 32, steps,
            along=True,
        ),
        "cnn": Row(
            lambda: bl.Sequential(
                bl.Conv2d(32, 3), bl.ReLU(), bl.Conv2d(64, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(),
                bl.Linear(128), bl.ReLU(), bl.Linear(10),
            ),
            convolutional, (28, 28, 1), 10, 128, steps, optimizer="momentum",
        ),
        "residual": Row(
            residual.network, lambda torch: residual.torch_network(), (32, 32, 3), 10, 64, steps, optimizer="momentum"
        ),
        "transformer": Row(
            lambda: bl.Sequential(
                bl.Embedding(96, 64), bl.PositionalEncoding(), *[bl.TransformerBlock(64, 4, causal=True) for _ in "12"],
                bl.LayerNorm(), bl.Linear(96),
            ),
            transformer, (128,), 96, 32, steps, codes=True, along=True,
        ),
    }  # fmt: skip


def reader(torch: Any, kind: Any, hidden: int) -> Any:
    """A recurrent layer and a readout of each step."""

    class Reader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = kind(65, hidden, batch_first=True)
            self.readout = torch.nn.Linear(hidden, 65)

        def forward(self, x: Any) -> Any:
            return self.readout(self.layer(x)[0])

    return Reader()


def transformer(torch: Any) -> Any:
    """Two blocks of attention; positions are learned, which costs the same."""
    nn = torch.nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters, self.readout = nn.Embedding(96, 64), nn.Linear(64, 96)
            self.places = nn.Parameter(torch.zeros(128, 64))
            layer = nn.TransformerEncoderLayer(64, 4, 256, 0.0, "gelu", norm_first=True, batch_first=True)
            self.blocks = nn.TransformerEncoder(layer, 2, nn.LayerNorm(64), enable_nested_tensor=False)
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(128))

        def forward(self, x: Any) -> Any:
            return self.readout(self.blocks(self.letters(x) + self.places, mask=self.mask, is_causal=True))

    return Reader()


# ------------------------------------------------------------------------------------------------ contestants

Contestant = Callable[[], float]  # seconds of a step


def backlit(row: Row, precision: str | None) -> Contestant:
    """Two epochs by `bl.fit`; the second one's time."""
    import backlit as bl

    x, y = row.numbers()
    network = row.network()
    optimizer = bl.Adam(1e-3) if row.optimizer == "adam" else bl.Momentum(0.01, 0.9)

    def run() -> float:
        done = bl.fit(
            network, x, y, loss="cross_entropy", optimizer=optimizer, epochs=2, batch_size=row.batch, metrics=[],
            probes=None, clip=None, chunk=1, progress=False, precision=precision,
        )  # fmt: skip
        finite(done.history[-1]["loss"])
        return done.history[-1]["seconds"] / row.steps

    return run


def pytorch(row: Row, precision: str | None, device: str, compiled: bool = False) -> Contestant:
    """An epoch of the usual loop, the batches drawn on the device."""
    import torch

    x, y = (torch.from_numpy(part) for part in row.numbers())
    x, y = x.to(device), y.to(device)
    torch.manual_seed(0)
    module = row.module(torch).to(device)
    if x.ndim == 4:
        x = x.movedim(-1, 1).contiguous(memory_format=torch.channels_last)
        module = module.to(memory_format=torch.channels_last)
    settings = {"fused": True} if device == "cuda" else {}
    if row.optimizer == "adam":
        optimizer = torch.optim.Adam(module.parameters(), 1e-3, **settings)
    else:
        optimizer = torch.optim.SGD(module.parameters(), 0.01, momentum=0.9, **settings)

    def loss_of(x: Any, y: Any) -> Any:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            out = module(x)
        return torch.nn.functional.cross_entropy(out.reshape(-1, row.classes).float(), y.reshape(-1))

    step = torch.compile(loss_of, mode="reduce-overhead" if device == "cuda" else "default") if compiled else loss_of

    def run() -> float:
        wait(torch, device)
        begin = time.perf_counter()
        for rows in torch.randperm(len(x), device=device).split(row.batch):
            optimizer.zero_grad(set_to_none=True)
            loss = step(x[rows], y[rows])
            loss.backward()
            optimizer.step()
        finite(loss.item())
        wait(torch, device)
        return (time.perf_counter() - begin) / row.steps

    return run


def predictions(device: str, quick: bool) -> dict[str, Contestant]:
    """Classes of many rows that lie in the host's memory, and go back there."""
    import torch

    import backlit as bl

    row = rows_of(quick)["mlp"]
    x, y = row.numbers()
    trained = bl.fit(row.network(), x[:256], y[:256], epochs=1, metrics=[], probes=None, progress=False)
    many = np.resize(x, (1000 if quick else 100_000, *row.inputs))
    module = row.module(torch).to(device).eval()

    def timed(predict: Callable[[], Any]) -> Contestant:
        def run() -> float:
            begin = time.perf_counter()
            predict()
            return time.perf_counter() - begin

        return run

    def theirs() -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(many).to(device)).argmax(1).cpu().numpy()

    return {"backlit": timed(lambda: trained.predict(many)), "PyTorch": timed(theirs)}


def wait(torch: Any, device: str) -> None:
    """Until the device has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def finite(loss: float) -> None:
    """Refuse a race of which nothing was learned."""
    if not math.isfinite(loss):
        raise ArithmeticError(f"the loss is {loss}")


# ------------------------------------------------------------------------------------------------------- race


def device_name(on: str) -> str:
    """Of what both compute on; raises `NoDeviceError` if that isn't a graphics card, but should be."""
    import jax

    if on == "cpu":
        return f"{os.cpu_count()} cores of a processor"
    try:
        import torch
    except ModuleNotFoundError:
        raise NoDeviceError("PyTorch isn't installed: pip install torch") from None
    missing = [] if jax.default_backend() == "gpu" else [f"JAX has none (backend {jax.default_backend()!r})"]
    missing += [] if torch.cuda.is_available() else [f"PyTorch {torch.__version__} has none"]
    if missing:
        raise NoDeviceError(
            f"no graphics card for both: {', '.join(missing)}. Install jax[cuda12] and a PyTorch with CUDA on a "
            "machine with one; --on cpu --quick tries the script on the processor"
        )
    return str(torch.cuda.get_device_name())


def race(contestants: dict[str, Callable[[], Contestant]], left: Callable[[], float]) -> dict[str, float]:
    """Medians of interleaved rounds, in seconds; what can't be done is said on standard error."""
    running = {}
    for name, make in contestants.items():
        if name == "torch.compile" and left() < COMPILE_SECONDS:
            say(f"  {name}: left out, {left():.0f} s are left")
            continue
        try:
            running[name] = make()
            begin = time.monotonic()
            running[name]()
        except Exception as error:  # noqa: BLE001 - one that fails mustn't end the race
            running.pop(name, None)
            say(f"  {name}: left out, {type(error).__name__}: {str(error).splitlines()[0][:200]}")
            continue
        say(f"  {name}: warm after {time.monotonic() - begin:.1f} s")
    seconds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, run in running.items():
            seconds[name].append(run())
    return {name: statistics.median(each) for name, each in seconds.items()}


def say(text: str) -> None:
    """On standard error."""
    print(text, file=sys.stderr, flush=True)


def line(name: str, found: dict[str, float]) -> str:
    """A line of the table: our time, theirs, and theirs by ours."""
    ours = found.get("backlit")
    cells = [name, "" if ours is None else f"{ours * 1e6:,.1f}"]
    for peer in ("PyTorch", "torch.compile"):
        theirs = found.get(peer)
        cells += ["", ""] if theirs is None else [f"{theirs * 1e6:,.1f}", f"{theirs / ours:.2f}" if ours else ""]
    return "| " + " | ".join(cells) + " |"


def main(options: Sequence[str] = ()) -> str:
    """The table as text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", help="w4, mlp, lstm, gru, cnn, residual, transformer, predict; all if none")
    parser.add_argument("--on", choices=("gpu", "cpu"), default="gpu", help="where to compute")
    parser.add_argument(
        "--quick", action="store_true", help=f"small rows, {' and '.join(QUICK)} by default, eager only"
    )
    parser.add_argument("--precision", choices=("bfloat16",), help="of both sides' matrix products")
    parser.add_argument("--seconds", type=float, default=170, help="for all rows together")
    chosen = parser.parse_args(options)
    end = time.monotonic() + chosen.seconds
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the card is shared with PyTorch
    name = device_name(chosen.on)
    import jax
    import torch

    torch.set_float32_matmul_precision("high")
    if chosen.on == "gpu":
        torch.backends.cudnn.allow_tf32 = True
        jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    device = "cuda" if chosen.on == "gpu" else "cpu"
    table = rows_of(chosen.quick)
    known = (*table, "predict")
    wanted = chosen.rows or (QUICK if chosen.quick else known)
    unknown = set(wanted) - set(known)
    if unknown:
        parser.error(f"unknown row {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    lines = [
        f"### On {name}: jax {jax.__version__}, torch {torch.__version__}, {chosen.precision or 'float32'}",
        "",
        "| µs a step (predict: a call) | backlit | PyTorch | ÷ backlit | torch.compile | ÷ backlit |",
        "|---|---:|---:|---:|---:|---:|",
    ]

    def left() -> float:
        return end - time.monotonic()

    for row in wanted:
        if left() < ROW_SECONDS:
            say(f"{row}: left out, {left():.0f} s are left")
            continue
        say(row)
        if row == "predict":
            made = predictions(device, chosen.quick)
            found = race({who: lambda run=run: run for who, run in made.items()}, left)
        else:
            work = table[row]
            contestants = {
                "backlit": lambda work=work: backlit(work, chosen.precision),
                "PyTorch": lambda work=work: pytorch(work, chosen.precision, device),
            }
            if not chosen.quick:
                contestants["torch.compile"] = lambda work=work: pytorch(work, chosen.precision, device, True)
            found = race(contestants, left)
        lines.append(line(f"{row} (float32)" if row == "predict" and chosen.precision else row, found))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except NoDeviceError as error:
        say(str(error))
        sys.exit(2)
