"""Linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from typing import Any

import numpy as np

from backlit.errors import BacklitError, ShapeError
from backlit.graph import kernels
from backlit.graph.kernels import linear_weight, product
from backlit.graph.op import operation
from backlit.graph.ops.shape import broadcast_to, expand_dims
from backlit.graph.precision import is_narrow
from backlit.graph.registry import Draw, composite, primitive, sample
from backlit.graph.tensor import value_of


def _matmul_first(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return g[..., None] * b
    if len(a.shape) == 1:
        return product(g[..., None, :], b.mT)[..., 0, :]
    return product(g, b.mT)


def _matmul_second(g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1:
        return a[:, None] * g[..., None, :] if len(b.shape) > 1 else g * a
    if len(b.shape) == 1:
        return product(g.reshape(-1), a.reshape(-1, a.shape[-1]))
    if len(b.shape) == 2 and len(a.shape) > 2:  # one large product instead of a batch of small ones to be summed
        return product(a.reshape(-1, a.shape[-1]).mT, g.reshape(-1, g.shape[-1]))
    return product(a.mT, g)


@primitive(
    vjp=(_matmul_first, _matmul_second),
    samples=(
        sample((2, 3), (3, 4)),
        sample((3,), (3, 4)),
        sample((2, 3), (3,)),
        sample((3,), (3,)),
        sample((5, 2, 3), (3, 4)),
        sample((2, 3), (5, 3, 4)),
        sample((5, 2, 3), (1, 3, 4)),
        sample((3,), (5, 3, 4)),
        sample((5, 2, 3), (3,)),
    ),
    torch="matmul",
    shapes="The last size of the first must equal the second-to-last size of the second (its only one, for a vector).",
    gate="swaps: ∂L/∂A = upstream · Bᵀ, ∂L/∂B = Aᵀ · upstream",
)
def matmul(xp: Any, a: Any, b: Any) -> Any:
    """Matrix product ``Y = A B`` over the last two axes; the axes before them broadcast.

    a : (..., n, k) or (k,); b : (..., k, m) or (k,). Gradients: ``∂L/∂A = G Bᵀ``, ``∂L/∂B = Aᵀ G``.

    >>> import numpy as np
    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    return product(a, b)


def _rows(x: Any) -> Any:
    """All axes before the last as one."""
    return x if len(x.shape) == 2 else x.reshape(-1, x.shape[-1])


@primitive(
    vjp=(lambda g, y, x, weight: product(g, weight), lambda g, y, x, weight: linear_weight(_rows(x), _rows(g))),
    samples=(sample((4, 3), (2, 3)), sample((5, 4, 3), (2, 3)), sample((3,), (2, 3))),
    torch="nn.functional.linear",
    shapes="x needs shape (..., inputs), the weight (units, inputs).",
    gate="swaps: ∂L/∂x = upstream · W, ∂L/∂W = upstreamᵀ · x",
)
def linear(xp: Any, x: Any, weight: Any) -> Any:
    """Linear map of the last axis: ``y = x Wᵀ``, with one row of W for each output.

    x : (..., inputs), weight : (units, inputs) -> (..., units). With W stored by rows, the gradient ``∂L/∂W = Gᵀ x``
    is a product that processors are quick at, also where ``xᵀ G`` isn't.

    >>> import numpy as np
    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])).tolist()
    [[11.0]]
    """
    return kernels.of(xp).linear(x, weight)


@primitive(
    vjp=(lambda g, y, a, b: g @ b, lambda g, y, a, b: a @ g),
    samples=(sample((3,), (4,)),),
    torch="outer",
    shapes="Both must be vectors.",
    gate="swaps: ∂L/∂a = upstream · b, ∂L/∂b = a · upstream",
)
def outer(xp: Any, a: Any, b: Any) -> Any:
    """Outer product of two vectors: ``Y = a bᵀ``, (n,), (m,) -> (n, m)."""
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise ShapeError(f"outer: needs two vectors, got shapes {tuple(a.shape)} and {tuple(b.shape)}; use reshape")
    return a[:, None] * b


def _solve_second(g: Any, y: Any, a: Any, b: Any) -> Any:
    return solve(a.mT, g)


def _solve_first(g: Any, y: Any, a: Any, b: Any) -> Any:
    w = solve(a.mT, g)
    return -(w[:, None] * y if len(y.shape) == 1 else w @ y.mT)


def _regular(*shape: int) -> Draw:
    """Matrices far from singular."""
    return Draw(shape, make=lambda rng: rng.uniform(-1, 1, shape) + shape[-1] * np.eye(shape[-1]))


_SQUARE = "The matrix needs shape (..., n, n)."


def _solved(name: str, function: Callable[..., Any], a: Any, *b: Any) -> Any:
    """The function of square matrices; singular ones are refused."""
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: can't work on shape {tuple(a.shape)}. {_SQUARE}")
    try:
        return function(a, *b)
    except np.linalg.LinAlgError as error:
        raise BacklitError(
            f"{name}: a matrix is singular, so it has no inverse; a small multiple of the identity added to it may help"
        ) from error


@primitive(
    vjp=(_solve_first, _solve_second),
    samples=(
        sample(_regular(3, 3), (3,)),
        sample(_regular(3, 3), (3, 2)),
        sample(_regular(2, 3, 3), (2, 3, 1)),
        sample(_regular(2, 3, 3), (3, 2)),
    ),
    torch="linalg.solve",
    shapes=_SQUARE + " The right side needs shape (n,) or (..., n, m).",
    gate="solves back: w = A⁻ᵀ · upstream goes to the right side, -w · yᵀ to the matrix",
)
def solve(xp: Any, a: Any, b: Any) -> Any:
    """The solution Y of ``A Y = B``: (..., n, n), (n,) or (..., n, m) -> the shape of B.

    Raises
    ------
    BacklitError
        If a matrix is singular (in a compiled program the result is infinite or NaN).

    >>> import numpy as np
    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0])).tolist()
    [1.0, 0.5]
    """
    if len(b.shape) == 1 and len(a.shape) > 2:
        raise ShapeError(f"solve: a vector needs one matrix, got matrices of shape {tuple(a.shape)}; use b[:, None]")
    return _solved("solve", xp.linalg.solve, a, b)


@primitive(
    vjp=(lambda g, y, x: -(y.mT @ g @ y.mT),),
    samples=(sample(_regular(3, 3)), sample(_regular(2, 3, 3))),
    torch="linalg.inv",
    shapes=_SQUARE,
    gate="turns back: -y · upstream · y, transposed",
)
def inverse(xp: Any, x: Any) -> Any:
    """Inverse of a matrix, (..., n, n). To multiply by one, `solve` is quicker and more exact.

    Raises
    ------
    BacklitError
        If a matrix is singular (in a compiled program the result is infinite or NaN).
    """
    return _solved("inverse", xp.linalg.inv, x)


def _labels(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Letters of each input's axes and of the output's, with "..." replaced by letters that are still free."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [c for c in ascii_letters if c not in subscripts]
    depths = [len(shape) - len(term) + 3 if "..." in term else 0 for term, shape in zip(terms, shapes, strict=True)]
    dots = "".join(free[: max(depths)])
    terms = [term.replace("...", dots[len(dots) - depth :]) for term, depth in zip(terms, depths, strict=True)]
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape):
            raise ShapeError(f"einsum: in {subscripts!r}, {term!r} names {len(term)} axes of an array of shape {shape}")
    if not arrow:  # NumPy's rule: letters that occur once, in alphabetical order
        letters = "".join(terms)
        right = "..." * bool(dots) + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return terms, right.replace("...", dots)


def _without_ones(x: Any, term: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """An array and its letters without axes of size 1 that broadcast against larger ones."""
    keep = [i for i, c in enumerate(term) if not (x.shape[i] == 1 and sizes[c] > 1)]
    if len(keep) == len(term):
        return x, term
    return x.reshape(tuple([x.shape[i] for i in keep])), "".join([term[i] for i in keep])


def _einsum_rule(i: int, g: Any, y: Any, *arrays: Any, subscripts: str) -> Any:
    """Einsum of the upstream gradient with all other inputs, to the letters of input i.

    A letter that input i has twice (a diagonal) gets a second name, tied to the first by an identity matrix;
    one that occurs nowhere else was summed away, and its gradient is repeated along it.
    """
    terms, right = _labels(subscripts, [x.shape for x in arrays])
    sizes: dict[str, int] = {}
    for x, term in zip(arrays, terms, strict=True):
        for c, size in zip(term, x.shape, strict=True):
            sizes[c] = size if sizes.get(c, 1) == 1 else sizes[c]
    parts = [_without_ones(g, right, sizes)]
    parts += [_without_ones(x, term, sizes) for j, (x, term) in enumerate(zip(arrays, terms, strict=True)) if j != i]
    _, target = _without_ones(arrays[i], terms[i], sizes)
    shape = tuple([sizes[c] for c in target])
    unique = ""
    for c in target:
        if c in unique:
            free = next(f for f in ascii_letters if f not in sizes and f not in unique)
            parts.append((np.eye(sizes[c], dtype=g.dtype), c + free))
            c = free
        unique += c
    there = set("".join([term for _, term in parts]))
    reachable = "".join([c for c in unique if c in there])
    gradient = einsum(",".join([term for _, term in parts]) + "->" + reachable, *[x for x, _ in parts])
    for axis, c in enumerate(unique):
        if c not in there:
            gradient = expand_dims(gradient, axis=axis)
    return broadcast_to(gradient, shape=shape).reshape(arrays[i].shape)


@operation(
    name="einsum",
    vjp=_einsum_rule,
    shapes="Axes of one letter must have one size.",
    gate="swaps: each input gets the einsum of the upstream gradient with all other inputs",
)
def _einsum(xp: Any, *arrays: Any, subscripts: str) -> Any:
    if xp is not np and is_narrow():
        return kernels.of(xp).narrow_einsum(subscripts, *arrays)
    return xp.einsum(subscripts, *arrays, optimize="greedy")


def _einsum_sample(subscripts: str, *shapes: tuple[int, ...]) -> Any:
    return sample(*shapes, leading=(subscripts,))


@composite(
    samples=(
        _einsum_sample("ij,jk->ik", (2, 3), (3, 4)),
        _einsum_sample("bij,bjk,k->bi", (2, 3, 2), (2, 2, 3), (3,)),
        _einsum_sample("ij->j", (2, 3)),
        _einsum_sample("ij,ij", (2, 3), (2, 3)),
        _einsum_sample("ii->i", (3, 3)),
        _einsum_sample("ii", (3, 3)),
        _einsum_sample("iij,j->i", (2, 2, 3), (3,)),
        _einsum_sample("...i,...i->...", (2, 3, 4), (3, 4)),
        _einsum_sample("i...,...->i...", (2, 3), (4, 3)),
        _einsum_sample("...ij,...jk", (1, 2, 3), (4, 3, 2)),
    ),
    torch="einsum",
)
def einsum(subscripts: str, *arrays: Any) -> Any:
    """Einstein's sum: products over axes named by letters; a letter that the result lacks is summed over.

    ``einsum("ij,jk->ik", a, b)`` is the matrix product, ``"ii->i"`` the diagonal, ``"bi,bj->bij"`` a batch of
    outer products. "..." stands for any further axes, which broadcast.

    Raises
    ------
    ShapeError
        If the letters don't fit the shapes.

    >>> import numpy as np
    >>> einsum("ij,j->i", np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])).tolist()
    [3.0, 7.0]
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: the first argument must be text like 'ij,jk->ik', got {type(subscripts).__name__}")
    count = subscripts.partition("->")[0].count(",") + 1
    if count != len(arrays):
        shapes = " and ".join([str(np.shape(value_of(x))) for x in arrays]) or "of no array"
        raise ShapeError(
            f"einsum: can't work on shape {shapes}, subscripts={subscripts!r}: Number of einsum subscripts, {count}, "
            f"must be equal to the number of arrays, {len(arrays)}"
        )
    return _einsum(*arrays, subscripts=subscripts)
