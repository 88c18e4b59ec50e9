"""The plane of two numbers on which data and what networks make of it are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backlit.languages import Message, Said, Template

MOST_VALUES = 400_000  # that principal components are found from
MARGIN = 0.1  # of the data's range, around it
AS_IT_IS = Template("the two inputs", "입력 두 개")
MOST_TOKENS = 500
TOKENS = Template(
    "rows by how often words stand in them, projected onto two principal components; the network reads the words in "
    "their order, so there is no map",
    "각 행을 낱말이 나오는 횟수로 나타내 주성분 두 개에 투영했습니다. 신경망은 낱말을 순서대로 읽으므로 "
    "경계 그림은 없습니다.",
)
PROJECTED = Template(
    "a projection of {inputs} inputs onto their two principal components, which hold {share:.0%} of the variance: the "
    "map shows the network on this plane alone",
    "입력 {inputs}개를 주성분 두 개에 투영한 평면입니다(분산의 {share:.0%}). 그림은 이 평면 위의 신경망만 보여 줍니다.",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plane:
    """Where rows are on the plane, and which inputs a place of it stands for.

    Attributes
    ----------
    centre : array (inputs,)
    directions : array (2, inputs)
        Of length 1, at right angles.
    range : ((low, high), (low, high))
        What is shown.
    axes : (int, int) or None
        Which two inputs it shows, or None for a projection.
    note : Message or Said
    """

    centre: np.ndarray
    directions: np.ndarray
    range: tuple[tuple[float, float], tuple[float, float]]
    axes: tuple[int, int] | None
    note: Message | Said

    @property
    def projected(self) -> bool:
        """Whether it isn't simply two inputs."""
        return self.axes is None

    def places(self, x: np.ndarray) -> np.ndarray:
        """Where rows are, (rows, 2)."""
        found: np.ndarray = (x.reshape(len(x), -1).astype(np.float64) - self.centre) @ self.directions.T
        return found

    def grid(self, points: int) -> np.ndarray:
        """Inputs of points × points places, from the lowest row up, (points², inputs)."""
        across, up = (np.linspace(low, high, points) for low, high in self.range)
        at = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
        inputs: np.ndarray = self.centre + at @ self.directions
        return inputs


def plane_of(x: np.ndarray, columns: list[str], least: float = 0.0) -> Plane:
    """The plane of rows: their two inputs, or the two principal components of more.

    Parameters
    ----------
    x : array (rows, ...)
    columns : list of str
    least : float
        The plane reaches at least from −least to least.

    Examples
    --------
    >>> plane = plane_of(np.array([[0.0, 1.0], [2.0, 3.0]]), ["a", "b"])
    >>> plane.axes, plane.grid(2).round(1).tolist()
    ((0, 1), [[-0.2, 0.8], [2.2, 0.8], [-0.2, 3.2], [2.2, 3.2]])
    """
    rows = x.reshape(len(x), -1).astype(np.float64)
    inputs = rows.shape[1]
    if inputs <= 2:
        directions = np.eye(2, inputs)
        centre, axes, note = np.zeros(inputs), (0, min(1, inputs - 1)), AS_IT_IS.of()
    else:
        centre = rows.mean(axis=0)
        some = rows[:: max(1, len(rows) * inputs // MOST_VALUES)]  # evenly: of large pictures a part tells as much
        _, sizes, parts = np.linalg.svd(some - centre, full_matrices=False)
        directions = parts[:2] * np.where(parts[:2].sum(axis=1, keepdims=True) < 0, -1.0, 1.0)  # one sign of two
        share = float((sizes[:2] ** 2).sum() / max((sizes**2).sum(), 1e-300))
        axes, note = None, PROJECTED.of(inputs=inputs, share=share)
    at = (rows - centre) @ directions.T
    left, right = _range(at)
    if least:
        (a, b), (c, d) = left, right
        left, right = (min(a, -least), max(b, least)), (min(c, -least), max(d, least))
    return Plane(centre, directions, (left, right), axes, note)


class TokenPlane(Plane):
    """Rows of token numbers, by how often the commonest stand in each; a place of it stands for no row."""

    def places(self, x: np.ndarray) -> np.ndarray:
        """Where rows are, (rows, 2)."""
        found: np.ndarray = (counted(x, len(self.centre)) - self.centre) @ self.directions.T
        return found


def plane_of_tokens(x: np.ndarray) -> TokenPlane:
    """The plane of rows of token numbers."""
    plane = plane_of(counted(x, min(MOST_TOKENS, int(x.max(initial=0)) + 1)), [])
    return TokenPlane(plane.centre, plane.directions, plane.range, None, TOKENS.of())


def counted(x: np.ndarray, kinds: int) -> np.ndarray:
    """How often each of the first so many tokens, the commonest, stands in each row; of filling, 0, nothing is told."""
    found = np.zeros((len(x), kinds))
    rows, tokens = np.broadcast_to(np.arange(len(x))[:, None], x.shape), x
    here = (tokens > 0) & (tokens < kinds)
    np.add.at(found, (rows[here], tokens[here]), 1)
    return found


def _range(at: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    low, high = at.min(axis=0), at.max(axis=0)
    wide = np.where(high - low > 0, high - low, 1.0)
    (left, bottom), (right, top) = (low - MARGIN * wide).tolist(), (high + MARGIN * wide).tolist()
    return (left, right), (bottom, top)
