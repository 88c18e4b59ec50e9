"""Network: an architecture together with its parameters, as one value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph import tree
from backlit.nn.key import Key
from backlit.nn.layer import Context, Layer, Params, Probe, Shape, Tap


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """An architecture with parameters; training returns a new one.

    Attributes
    ----------
    architecture : Layer
        Usually a `Sequential`.
    params : nested dict of arrays
        ``{"0": {"weight": (units, inputs), "bias": (units,)}, ...}``.
    input_shape : tuple of int
        Shape of one example.
    state : dict of arrays
        Running values, by path ("1/mean"); empty for most networks.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)).build((4,))
    >>> network(np.zeros((5, 4), dtype="float32")).shape
    (5, 2)
    >>> print(network)
    layer  kind       output  parameters  multiply-adds
    0      Linear(3)  (3,)            15             12
    1      ReLU()     (3,)             0              0
    2      Linear(2)  (2,)             8              6
    total             (2,)            23             18
    """

    architecture: Layer
    params: Params
    input_shape: Shape
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def build(cls, architecture: Layer, input_shape: Shape | int, seed: int = 0, dtype: str = "float32") -> Network:
        """Draw the parameters of `architecture` for inputs of `input_shape`; the same seed gives the same network."""
        shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        if any(not isinstance(size, (int, np.integer)) or size < 1 for size in shape):
            raise ShapeError(f"input_shape {shape} must hold whole numbers of at least 1 (leave out the batch axis)")
        params, _ = architecture.init(Key(seed), shape)
        state = tree.flatten_dict(architecture.init_state(shape))
        cast = lambda leaf: np.asarray(leaf, dtype=dtype)  # noqa: E731
        return cls(architecture, tree.map(cast, params), shape, {path: cast(leaf) for path, leaf in state.items()})

    @property
    def output_shape(self) -> Shape:
        """Shape of one output."""
        return self.architecture.output_shape(self.input_shape)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(int(np.prod(leaf.shape)) for leaf in tree.leaves(self.params))

    @property
    def dtype(self) -> Any:
        """Type of the parameters."""
        leaves = tree.leaves(self.params)
        return np.dtype(str(leaves[0].dtype)) if leaves else np.dtype("float32")

    def apply(self, params: Params, x: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """The raw output for a batch with given parameters, and the running state afterwards: see `forward`."""
        return forward(self.architecture, self.input_shape, params, x, **{"state": self.state, **options})

    def __call__(self, x: Any) -> Any:
        """The raw output (for classifiers: logits) of a batch ``x: (batch, *input_shape)``, in evaluation mode."""
        if not hasattr(x, "shape"):
            x = np.asarray(x, dtype=None if self.takes_integers else self.dtype)
        return self.apply(self.params, x)[0]

    def astype(self, dtype: str) -> Network:
        """The same network in another precision."""
        cast = lambda leaf: np.asarray(leaf, dtype=dtype)  # noqa: E731
        return self.replace(params=tree.map(cast, self.params), state=tree.map(cast, self.state))

    @property
    def takes_integers(self) -> bool:
        """Whether inputs are whole numbers (an embedding comes first) rather than real ones."""
        return self.architecture.takes_integers

    def replace(self, **changes: Any) -> Network:
        """A network with other params or state."""
        return dataclasses.replace(self, **changes)

    def rows(self) -> list[tuple[str, Layer, Shape, int, int]]:
        """One line a layer, containers opened: path, layer, output shape, parameters, multiply-adds."""
        return [line for line in self._lines() if not line[1].parts()]

    def _lines(self) -> list[tuple[str, Layer, Shape, int, int]]:
        """As `rows`, with a line for each container before those of its parts."""
        lines: list[tuple[str, Layer, Shape, int, int]] = []
        sizes = {path: int(np.prod(leaf.shape)) for path, leaf in tree.items(self.params)}

        def visit(path: str, layer: Layer, shape: Shape) -> None:
            own = sum(size for key, size in sizes.items() if key == path or key.startswith(f"{path}/") or not path)
            lines.append((path, layer, layer.output_shape(shape), own, layer.cost(shape)))
            for name, part, part_shape in layer.open(shape):
                visit(f"{path}/{name}" if path else name, part, part_shape)

        visit("", self.architecture, self.input_shape)
        return lines

    def __str__(self) -> str:
        lines = self._lines()
        table = [("layer", "kind", "output", "parameters", "multiply-adds")]
        for path, layer, shape, size, cost in lines if len(lines) == 1 else lines[1:]:
            indent = "  " * path.count("/")
            if layer.parts():  # what is in it follows
                table.append((path, f"{indent}{type(layer).__name__}", str(shape), "", ""))
            else:
                table.append((path or "-", f"{indent}{layer}", str(shape), f"{size:,}", f"{cost:,}"))
        total = self.architecture.cost(self.input_shape)
        table.append(("total", "", str(self.output_shape), f"{self.size:,}", f"{total:,}"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        columns = [(str.ljust if i < 3 else str.rjust, width) for i, width in enumerate(widths)]
        return "\n".join(
            "  ".join(align(cell, width) for cell, (align, width) in zip(row, columns, strict=True)).rstrip()
            for row in table
        )

    def __repr__(self) -> str:
        return f"Network({self.architecture!r}, input_shape={self.input_shape}, {self.size:,} parameters)"


def forward(
    architecture: Layer,
    input_shape: Shape,
    params: Params,
    x: Any,
    *,
    state: dict[str, Any],
    training: bool = False,
    seed: Any = 0,
    step: Any = 0,
    tap: Tap | None = None,
    mask: Any = None,
    targets: Any = None,
    fresh: Any = None,
    probe: Probe | None = None,
) -> tuple[Any, dict[str, Any]]:
    """The raw output for a batch, and the running state afterwards (pure).

    Parameters
    ----------
    params : nested dict of arrays or Tensors
    x : array (batch, *input_shape)
    state : dict of arrays
        Running values by path.
    training, seed, step, tap, mask, targets, fresh, probe :
        As in `Context`.

    Raises
    ------
    ShapeError
        If `x` has rows of another shape.
    """
    if tuple(x.shape[1:]) != input_shape:
        raise ShapeError(
            f"the network was built for inputs of shape (batch, {', '.join(map(str, input_shape))}), "
            f"got {tuple(x.shape)}"
        )
    context = Context(
        training=training, seed=seed, step=step, states=state, tap=tap, mask=mask, targets=targets, fresh=fresh,
        probe=probe,
    )  # fmt: skip
    output = architecture(params, x, context)
    if probe is not None:
        output = probe.layer("", architecture, x, output)
    return output, {**state, **context.updates}
