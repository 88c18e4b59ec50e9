"""Random wirings: undirected random graphs, each connection directed from the lower to the higher number."""

from __future__ import annotations

import math

import numpy as np

from backlit.errors import InputError, unknown

KINDS = ("erdos_renyi", "barabasi_albert", "watts_strogatz")
_TRIES = 1000

Pairs = set[tuple[int, int]]


def random_wiring(
    kind: str,
    nodes: int,
    *,
    probability: float | None = None,
    neighbours: int = 4,
    links: int = 2,
    seed: int = 0,
    connected: bool = True,
) -> tuple[tuple[str, str], ...]:
    """Edges of a random directed acyclic graph, for `backlit.Wired`.

    Parameters
    ----------
    kind : "erdos_renyi", "barabasi_albert" or "watts_strogatz"
        Erdős–Rényi: every pair is connected with the given probability. Barabási–Albert: each new node is connected
        to `links` earlier ones, with probability in proportion to their connections. Watts–Strogatz: a ring, each
        node connected to its nearest `neighbours`, of which each connection is moved with the given probability.
    nodes : int
        Number of nodes, called "0", "1", ….
    probability : float, optional
        0.2 for Erdős–Rényi, 0.75 for Watts–Strogatz by default.
    neighbours : int
        Even.
    links : int
    seed : int
        The same seed gives the same wiring.
    connected : bool
        Draw again until the graph is in one piece.

    Returns
    -------
    tuple of pairs of names, in order

    Raises
    ------
    InputError
        If the numbers make no graph, or none of 1000 draws was in one piece.

    Examples
    --------
    >>> random_wiring("barabasi_albert", 5, links=1, seed=0)
    (('0', '1'), ('0', '2'), ('0', '3'), ('3', '4'))

    References
    ----------
    Erdős, Rényi: On random graphs I, 1959. Barabási, Albert: Emergence of scaling in random networks, Science 286,
    1999. Watts, Strogatz: Collective dynamics of "small-world" networks, Nature 393, 1998.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown("wiring", kind, KINDS)
    for name, number, least in (("nodes", nodes, 2), ("links", links, 1), ("neighbours", neighbours, 2)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise InputError(f"random_wiring: {name} must be a whole number of at least {least}, got {number!r}")
    p = {"erdos_renyi": 0.2, "watts_strogatz": 0.75}.get(kind, 0.0) if probability is None else probability
    if not 0 <= p <= 1:
        raise InputError(f"random_wiring: probability must be from 0 to 1, got {p!r}")
    if kind == "barabasi_albert" and links >= nodes:
        raise InputError(f"random_wiring: links must be from 1 to {nodes - 1}, one less than the nodes, got {links!r}")
    if kind == "watts_strogatz" and (neighbours % 2 or neighbours >= nodes):
        raise InputError(f"random_wiring: neighbours must be even, from 2 to below {nodes}, got {neighbours!r}")
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
    for _ in range(_TRIES):
        if kind == "erdos_renyi":
            pairs = _erdos_renyi(nodes, p, rng)
        elif kind == "barabasi_albert":
            pairs = _barabasi_albert(nodes, links, rng)
        else:
            pairs = _watts_strogatz(nodes, neighbours, p, rng)
        if not connected or _in_one_piece(nodes, pairs):
            return tuple((str(a), str(b)) for a, b in sorted(pairs))
    likely = math.log(nodes) / nodes
    raise InputError(
        f"random_wiring: none of {_TRIES} graphs of {nodes} nodes was in one piece; raise probability={p} "
        f"(above {likely:.2g} most are)"
    )


def _erdos_renyi(n: int, p: float, rng: np.random.Generator) -> Pairs:
    drawn = np.triu(rng.random((n, n)) < p, k=1)
    return {(int(a), int(b)) for a, b in zip(*np.nonzero(drawn), strict=True)}


def _barabasi_albert(n: int, m: int, rng: np.random.Generator) -> Pairs:
    pairs: Pairs = {(i, m) for i in range(m)}  # the first that joins is connected to all m before it
    ends = [end for pair in pairs for end in pair]  # a node occurs as often as it has connections
    for new in range(m + 1, n):
        partners: set[int] = set()
        while len(partners) < m:
            partners.add(ends[int(rng.integers(len(ends)))])
        for old in sorted(partners):
            pairs.add((old, new))
            ends += [old, new]
    return pairs


def _watts_strogatz(n: int, k: int, p: float, rng: np.random.Generator) -> Pairs:
    pairs: Pairs = {_sorted(i, (i + step) % n) for step in range(1, k // 2 + 1) for i in range(n)}
    for step in range(1, k // 2 + 1):
        for i in range(n):
            old = _sorted(i, (i + step) % n)
            free = [j for j in range(n) if j != i and _sorted(i, j) not in pairs]
            if rng.random() < p and free and old in pairs:
                pairs.remove(old)
                pairs.add(_sorted(i, free[int(rng.integers(len(free)))]))
    return pairs


def _sorted(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _in_one_piece(n: int, pairs: Pairs) -> bool:
    neighbours: dict[int, list[int]] = {i: [] for i in range(n)}
    for a, b in pairs:
        neighbours[a].append(b)
        neighbours[b].append(a)
    reached, stack = {0}, [0]
    while stack:
        for other in neighbours[stack.pop()]:
            if other not in reached:
                reached.add(other)
                stack.append(other)
    return len(reached) == n
