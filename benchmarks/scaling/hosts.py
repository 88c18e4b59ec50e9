"""Many hosts on paper: a step's cost by their number, and a simulation of slow and failing ones. NumPy only, seeded.

``python -m benchmarks.scaling.hosts docs/assets/scale.svg`` draws docs/scale.md's picture by the constants below, which
`measured` takes anew for the figure.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.scaling import table

HOSTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
BYTES = 4  # of a number
YEAR = 365.25 * 86400.0


@dataclass(frozen=True)
class Link:
    """What an all-reduce between two hosts costs: α seconds, and 1/β seconds a byte."""

    latency: float
    bandwidth: float

    def all_reduce(self, size: float, hosts: int) -> float:
        """Seconds for `size` bytes at each host: ``α log₂ n + 2 (n − 1)/n · size/β``.

        By halving and doubling (Rabenseifner; Thakur, Rabenseifner and Gropp, 2005): log₂ n exchanges to sum, as many
        to hand out, each host sending 2 (n − 1)/n of the bytes in all. At n = 2 it is α + size/β, as measured.
        """
        return self.latency * np.log2(hosts) + 2 * (hosts - 1) / hosts * size / self.bandwidth


@dataclass(frozen=True)
class Network:
    """A network on one host: parameters, and ``t₀ + rows · t`` seconds an update."""

    name: str
    parameters: int
    fixed: float
    row: float

    def compute(self, rows: float) -> float:
        """Seconds of an update of one host's rows."""
        return self.fixed + rows * self.row

    def step(self, link: Link, hosts: int, rows: float, every: int = 1, moments: int = 0) -> float:
        """Seconds an update of `rows` a host; with a mean every `every` updates, of parameters and so many moments."""
        sent = self.parameters * BYTES * (1 + (moments if every > 1 else 0))
        return self.compute(rows) + link.all_reduce(sent, hosts) / every

    def speedup(self, link: Link, hosts: int, batch: int, every: int = 1, moments: int = 0) -> float:
        """How many times as quick as one host a batch that the hosts share is."""
        return self.compute(batch) / self.step(link, hosts, batch / hosts, every, moments)

    def crossover(self, link: Link, hosts: int) -> float:
        """Rows a host from which an update's arithmetic takes longer than its sum over the hosts."""
        return max(0.0, (link.all_reduce(self.parameters * BYTES, hosts) - self.fixed) / self.row)


def young(checkpoint: float, between_failures: float) -> float:
    """Seconds of work between checkpoints by Young (1974): ``√(2 δ M)``."""
    return float(np.sqrt(2 * checkpoint * between_failures))


def daly(checkpoint: float, between_failures: float) -> float:
    """By Daly (2006), of higher order: ``√(2δM) [1 + ⅓ √(δ/2M) + ⅑ δ/2M] − δ``, for δ < 2M; else M."""
    if checkpoint >= 2 * between_failures:
        return between_failures
    part = checkpoint / (2 * between_failures)
    return float(np.sqrt(2 * checkpoint * between_failures) * (1 + np.sqrt(part) / 3 + part / 9) - checkpoint)


def expected(interval: Any, checkpoint: float, restart: float, between_failures: float) -> Any:
    """Time taken ÷ work done, expected of failures at random (Daly, 2006): ``M e^{R/M} (e^{(τ+δ)/M} − 1) / τ``."""
    m = between_failures
    return m * np.exp(restart / m) * np.expm1((interval + checkpoint) / m) / interval


def simulated(
    interval: float, checkpoint: float, restart: float, between_failures: float, segments: int = 20_000, seed: int = 0
) -> float:
    """Time taken ÷ work done, played: each segment of work and its checkpoint is begun anew until no failure hits it.

    Failures come by an exponential clock that runs during work, checkpoints and restarts.
    """
    rng = np.random.default_rng(seed)
    whole = interval + checkpoint
    elapsed = 0.0
    left = np.full(segments, True)
    begin = np.zeros(segments)  # of an attempt: none at the first, a restart at each other
    while left.any():
        clock = rng.exponential(between_failures, segments)
        done = clock >= begin + whole
        elapsed += float(np.where(done, begin + whole, clock)[left].sum())
        left &= ~done
        begin[:] = restart
    return elapsed / (segments * interval)


def straggling(
    hosts: int, every: int, jitter: float = 0.1, slow: float = 0.01, times: float = 3.0, steps: int = 512, seed: int = 0
) -> float:
    """How many times as long as an even one an update is, since all wait for the slowest of `every` updates.

    An update of a host takes e^{jitter · z} times its usual time, and with chance `slow` another `times` as long.
    """
    rng = np.random.default_rng(seed)
    taken = np.exp(jitter * rng.standard_normal((steps, hosts)) - jitter**2 / 2)
    taken *= np.where(rng.random((steps, hosts)) < slow, times, 1.0)
    rounds = taken[: steps // every * every].reshape(-1, every, hosts).sum(axis=1)
    return float(rounds.max(axis=1).mean() / every)


def best_interval(checkpoint: float, restart: float, between_failures: float, seed: int = 0) -> float:
    """The interval at which the simulation loses least: the bottom of a parabola through 41 around Young's.

    Time lost is flat there, and a play's chance larger than its slope; hence the fit, over the interval's logarithm.
    """
    places = np.linspace(-1.0, 1.0, 41)
    middle = young(checkpoint, between_failures)
    lost = [simulated(middle * np.exp(place), checkpoint, restart, between_failures, seed=seed) for place in places]
    curve, slope, _ = np.polyfit(places, lost, 2, w=np.exp(-2 * np.abs(places)))
    return float(middle * np.exp(-slope / (2 * curve)))


CHECKPOINT, RESTART, LIFE = 30.0, 120.0, YEAR  # seconds to write one, to begin anew, and between failures of a host
BATCH = 4096  # rows of an update, of all hosts together


def networks() -> tuple[Network, ...]:
    """Three networks, measured: processor seconds an update at two sizes of batches, so that a host is one core.

    Unlike time by the clock they are the same where others are at work, too.
    """
    import backlit as bl

    rng = np.random.default_rng(0)

    def timed(net: bl.Layer, shape: tuple[int, ...], size: int) -> tuple[float, int]:
        x, y = rng.standard_normal((4 * size, *shape), dtype=np.float32), rng.integers(0, 10, 4 * size)
        options = {"optimizer": "momentum", "batch_size": size, "metrics": [], "probes": None, "chunk": 1}
        clock: list[float] = []
        run = bl.fit(net, x, y, epochs=12, callbacks=lambda _: clock.append(time.process_time()), **options)
        return float(np.diff(clock)[1:].min()) / 4, run.network.size

    def measured(name: str, net: bl.Layer, shape: tuple[int, ...], sizes: tuple[int, int]) -> Network:
        (few, parameters), (many, _) = (timed(net, shape, size) for size in sizes)
        row = (many - few) / (sizes[1] - sizes[0])
        return Network(name, parameters, max(0.0, few - sizes[0] * row), row)

    def mlp(units: int) -> bl.Layer:
        return bl.Sequential(bl.Linear(units), bl.ReLU(), bl.Linear(units), bl.ReLU(), bl.Linear(10))

    cnn = bl.Sequential(
        bl.Conv2d(32, 3), bl.ReLU(), bl.Conv2d(64, 3), bl.ReLU(), bl.MaxPool2d(2), bl.Flatten(), bl.Linear(128),
        bl.ReLU(), bl.Linear(10),
    )  # fmt: skip
    return (
        measured("30-64-64-10", mlp(64), (30,), (64, 4096)),
        measured("784-1024-1024-10", mlp(1024), (784,), (32, 512)),
        measured("conv 32, conv 64, dense 128", cnn, (28, 28, 1), (8, 64)),
    )


def costs(link: Link, made: tuple[Network, ...]) -> str:
    """What an update costs, and from how many rows a host on arithmetic takes longer than the sum over the hosts."""
    rows = [
        [
            network.name, f"{network.parameters:,}", f"{1e6 * network.fixed:,.0f}", f"{1e6 * network.row:,.2f}",
            f"{2 * network.parameters * BYTES / 1e6:.2f}",
            *(f"{np.ceil(network.crossover(link, n)):,.0f}" for n in (2, 32, 1024)),
        ]
        for network in made
    ]  # fmt: skip
    heads = ["network", "parameters", "t₀, µs", "t, µs a row", "MB sent", "rows, n = 2", "n = 32", "n = 1024"]
    return table(heads, rows)


def speedups(link: Link, made: tuple[Network, ...]) -> str:
    """How many times as quick as one host: a sum in each update, and a mean every 16."""
    rows = [
        [
            network.name,
            *(f"{network.speedup(link, n, BATCH):.2f}" for n in (2, 32, 1024)),
            *(f"{network.speedup(link, n, BATCH, 16, 1):.2f}" for n in (32, 1024)),
        ]
        for network in made
    ]
    return table(["network", "2 hosts", "32", "1,024", "32, K = 16", "1,024, K = 16"], rows)


def waits() -> str:
    """How long an update takes where all wait for the slowest, by means every K updates."""
    rows = [
        [f"{hosts:,}", *(f"{straggling(hosts, every):.2f}" for every in (1, 4, 16, 64))] for hosts in (1, 8, 64, 1024)
    ]
    return table(["hosts", "K = 1", "K = 4", "K = 16", "K = 64"], rows, words=0)


def failures() -> str:
    """The interval between checkpoints by formulas and as simulated, and the time lost."""
    rows = []
    for hosts in (1, 8, 64, 1024):
        between = LIFE / hosts
        best = best_interval(CHECKPOINT, RESTART, between)
        minutes = [young(CHECKPOINT, between) / 60, daly(CHECKPOINT, between) / 60, best / 60]
        lost = simulated(minutes[1] * 60, CHECKPOINT, RESTART, between) - 1
        rows.append([f"{hosts:,}", f"{between / 3600:,.1f}", *(f"{each:.1f}" for each in minutes), f"{lost:.2%}"])
    heads = ["hosts", "hours between failures", "by Young, minutes", "by Daly", "simulated best", "time lost"]
    return table(heads, rows, words=0)


def figure(quick: bool) -> str:
    """The tables, with constants measured now."""
    from benchmarks.scaling import collectives

    link = Link(*collectives.fitted(np.array(collectives.SIZES), collectives.measured(quick)))
    made = networks()
    return (
        f"### Hosts on paper: batches of {BATCH:,} rows, α = {1e6 * link.latency:.0f} µs, "
        f"β = {link.bandwidth / 1e9:.2f} GB/s\n\n{costs(link, made)}\n\n{speedups(link, made)}\n\n"
        f"### Hosts simulated: a failure a year each, {CHECKPOINT:.0f} s a checkpoint, {RESTART:.0f} s to begin "
        "anew\n\n"
        f"{waits()}\n\n{failures()}\n"
    )


# Of docs/scale.md: two cores of an AMD EPYC, JAX 0.10.2.
LINK = Link(106e-6, 1.04e9)
MEASURED = (
    Network("30-64-64-10", 6794, 88e-6, 0.43e-6),
    Network("784-1024-1024-10", 1863690, 1.731e-3, 46.17e-6),
    Network("conv 32, conv 64, dense 128", 1199882, 0.317e-3, 553.73e-6),
)


def drawn() -> object:
    """The picture of docs/scale.md: how many times as quick by hosts, and time lost by interval."""
    from backlit.inspect.plots import figure as chart_of

    chart, (left, right) = chart_of(1, 2, width=10.0, height=4.2)
    for network, marker in zip(MEASURED, "os^", strict=True):
        plain = [network.speedup(LINK, n, BATCH) for n in HOSTS]
        (line,) = left.plot(HOSTS, plain, marker=marker, markersize=4, label=network.name)
        rare = [network.speedup(LINK, n, BATCH, every=16, moments=1) for n in HOSTS]
        left.plot(HOSTS, rare, linestyle="--", color=line.get_color(), marker=marker, markersize=3)
    left.plot(HOSTS, HOSTS, color="0.6", linewidth=1, linestyle=":", label="as many times as hosts")
    left.plot([], [], color="0.3", linestyle="--", label="a mean every 16 updates")
    left.set(xscale="log", yscale="log", xlabel="hosts", ylabel="times as quick as one", ylim=(0.1, 1500))
    left.set_title(f"batches of {BATCH:,} rows, shared")
    left.legend(frameon=False, fontsize=8)
    for hosts, marker in ((64, "o"), (1024, "s")):
        between = LIFE / hosts
        intervals = young(CHECKPOINT, between) * np.geomspace(0.15, 6.0, 41)
        lost = [100 * (simulated(one, CHECKPOINT, RESTART, between) - 1) for one in intervals]
        (line,) = right.plot(intervals / 60, lost, linewidth=1.4, label=f"{hosts:,} hosts")
        best = young(CHECKPOINT, between)
        lowest = 100 * (expected(best, CHECKPOINT, RESTART, between) - 1)
        right.plot([best / 60], [lowest], marker=marker, color=line.get_color(), linestyle="", label="by Young")
    right.set(xscale="log", xlabel="minutes between checkpoints", ylabel="time lost, %", ylim=(0, None))
    right.set_title("failures and checkpoints, simulated")
    right.legend(frameon=False, fontsize=8)
    return chart


if __name__ == "__main__":
    drawn().savefig(sys.argv[1])
