"""Layer and Network: hyperparameters as plain data with two pure functions, and the parameters that go with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Unpack

import numpy as np

from backlit.errors import BacklitError, InputError, ShapeError, unknown
from backlit.graph import tree
from backlit.nn.building import refuse_shared, require_size, require_start, start_state
from backlit.nn.context import CallOptions, Context, Params, Shape, tell_where
from backlit.nn.described import described
from backlit.nn.forward import fitting, forward, refuse_several
from backlit.nn.hyperparameters import check, short_repr
from backlit.nn.key import Key
from backlit.nn.layers.activation_facts import Facts
from backlit.nn.layers.saturation import limits
from backlit.nn.shapes import example_shape
from backlit.registry import OWN, register
from backlit.schema import fitted, parts
from backlit.verbs import verb


@dataclass(frozen=True)
class Layer:
    """Base of all layers; subclass it as a frozen dataclass that holds hyperparameters only.

    Shapes given to `init` leave out the batch axis; arrays in a call have it first. Saved networks call layers by the
    names of their classes: one that is taken, by Backlit or by another layer of yours, is refused. Only a definition
    that is run again, as a cell of a notebook, takes the place of the one before.

    Examples
    --------
    A layer of one's own, with a learned factor for each input:

    >>> import numpy as np, backlit as bl
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Scale(bl.Layer):
    ...     start: float = 1.0
    ...     def init(self, key, input_shape):
    ...         return {"factor": np.full(input_shape, self.start)}, input_shape
    ...     def __call__(self, params, x, ctx=None):
    ...         return x * params["factor"]
    >>> network = bl.Sequential(Scale(2.0)).build((3,))
    >>> network(np.ones((1, 3), dtype="float32")).tolist()
    [[2.0, 2.0, 2.0]]
    """

    kinds: ClassVar[dict[str, type[Layer]]] = {}
    recurrent: ClassVar[bool] = False  # whether it goes through sequences step by step

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):  # a base that others share isn't a layer by itself
            register(Layer.kinds, cls.__name__, cls, "layer")

    def __post_init__(self) -> None:
        """Check hyperparameters that are declared with a range; a subclass with checks of its own calls this one."""
        check(self)

    def init(self, key: Key, input_shape: Shape) -> tuple[Params, Shape]:
        """Parameters to start from (float64 NumPy arrays, nested dicts) and the output's shape."""
        return {}, input_shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """The output's shape."""
        return self.init(Key.undrawn(), input_shape)[1]

    def init_state(self, input_shape: Shape) -> dict[str, Any]:
        """Running values that aren't learned by gradient, such as a batch norm's mean; nested by part."""
        states = {name: layer.init_state(shape) for name, layer, shape in self.open(input_shape)}
        return {name: state for name, state in states.items() if state}

    def __call__(self, params: Params, x: Any, ctx: Context | None = None) -> Any:
        """The output for a batch ``x: (batch, *input_shape)``; without a context, as in evaluation."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, params, x, ctx)")

    @property
    def facts(self) -> Facts | None:
        """What is known of an activation: its range, slope, saturation. None for any other layer.

        An activation of your own that derives from one of Backlit's has that one's; others may say theirs.
        """
        return None

    def saturated(self, x: Any, y: Any) -> Any:
        """Which of an activation's outputs are saturated: a boolean array like `y`; None for other layers.

        There its derivative is below 1 % of its largest one (see `backlit.nn.layers.saturation`).

        Parameters
        ----------
        x, y : array
            Its input and output.
        """
        bounds = limits(self)
        return None if bounds is None else (x <= bounds[0]) | (x >= bounds[1])

    @property
    def takes_integers(self) -> bool:
        """Whether inputs are whole numbers, such as an embedding's indices."""
        inside = self.parts()
        return bool(inside) and inside[0][1].takes_integers

    @property
    def input_names(self) -> tuple[str, ...]:
        """The arrays that a layer of several inputs takes, as a dict; empty for all others, which take one array."""
        return ()

    @property
    def output_names(self) -> tuple[str, ...]:
        """The arrays that a layer of several outputs gives, as a dict; empty for all others, which give one array."""
        return ()

    def takes_integers_at(self, name: str) -> bool:
        """As `takes_integers`, of one of several inputs."""
        return any(layer.takes_integers_at(name) for _, layer in self.parts() if name in layer.input_names)

    def check_inputs(self, x: np.ndarray) -> None:
        """Refuse whole numbers that the layer has nothing for, such as places beyond an embedding's table.

        Called once for all rows before anything is computed; in a compiled program values can't be looked at.

        Raises
        ------
        InputError
            With row and place of the first.
        """
        for name, layer in self.parts()[:1]:
            try:
                layer.check_inputs(x)
            except BacklitError as error:
                tell_where(error, name, layer)
                raise

    def cost(self, input_shape: Shape) -> int:
        """Multiply-adds for one example."""
        return sum(layer.cost(shape) for _, layer, shape in self.open(input_shape))

    def parts(self) -> list[tuple[str, Layer]]:
        """Named layers inside this one, in order."""
        return []

    def open(self, input_shape: Shape) -> list[tuple[str, Layer, Shape]]:
        """The parts with the shape of the input that reaches each."""
        return [(name, layer, input_shape) for name, layer in self.parts()]

    def walk(self) -> Iterator[tuple[str, Layer]]:
        """The layer itself and all in it, containers before their parts, each with its path.

        Examples
        --------
        >>> import backlit as bl
        >>> [path for path, _ in bl.Sequential(bl.Residual(bl.Linear(2)), bl.ReLU()).walk()]
        ['', '0', '0/body', '1']
        """
        yield "", self
        for name, part in self.parts():
            for path, layer in part.walk():
                yield f"{name}/{path}" if path else name, layer

    def walk_shapes(self, input_shape: Shape) -> Iterator[Place]:
        """As `walk`, with shapes and what is around each; also what only the shapes call for (a projection).

        Raises
        ------
        ShapeError
            If a layer can't take the shape that reaches it.

        Examples
        --------
        >>> import backlit as bl
        >>> [(place.path, place.shape) for place in bl.Sequential(bl.Linear(3), bl.ReLU()).walk_shapes((2,))]
        [('', (2,)), ('0', (2,)), ('1', (3,))]
        """
        pending = [Place("", self, input_shape, ())]
        while pending:
            place = pending.pop()
            yield place
            pending += reversed(place.inside())

    def build(
        self, input_shape: Shape | int | Mapping[str, Shape | int], seed: int = 0, dtype: str = "float32"
    ) -> Network:
        """A `Network`: this architecture with parameters for inputs of `input_shape` (without the batch axis).

        Of several inputs it is a dict, {"image": (8, 8, 1), "meta": (5,)}.

        Raises
        ------
        ShapeError
            If a layer can't take the shape that reaches it.
        """
        return Network.build(self, input_shape, seed, dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `Layer.from_dict` is the inverse."""
        values = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"layer": type(self).__name__, **values}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Layer:
        """The layer that `to_dict` described; a layer of your own must have been defined (imported) before."""
        rest = dict(data)
        name = fitted(str, rest.pop("layer", None), "the kind of a layer")
        if name not in Layer.kinds:
            raise unknown("layer", name, Layer.kinds)
        kind = Layer.kinds[name]
        if kind.__module__.startswith(OWN):  # what else is annotated is the user's own business
            return kind(**parts(kind, rest, name))
        try:
            return kind(**{key: _unplain(value) for key, value in rest.items()})
        except TypeError as error:
            raise InputError(f"layer {name} can't be made from {sorted(rest)}: {error}") from error

    def __repr__(self) -> str:
        return short_repr(self)


@dataclass(frozen=True)
class Place:
    """A layer where it stands in a network.

    Attributes
    ----------
    path : str
        "2/body/0"; "" for the whole.
    layer : Layer
    shape : tuple of int
        Of the input of one example.
    around : tuple of Layer
        The containers that it is in, the outermost first.
    """

    path: str
    layer: Layer
    shape: Shape
    around: tuple[Layer, ...]

    def inside(self) -> list[Place]:
        """The parts of a container; none of any other layer."""
        around, path = (*self.around, self.layer), f"{self.path}/" if self.path else ""
        return [Place(path + name, part, shape, around) for name, part, shape in self.layer.open(self.shape)]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """An architecture with parameters; training returns a new one.

    Attributes
    ----------
    architecture : Layer
        Usually a `Sequential`.
    params : nested dict of arrays
        ``{"0": {"weight": (units, inputs), "bias": (units,)}, ...}``.
    input_shape : tuple of int, or dict of name to tuple
        Shape of one example; of a network of several inputs that of each.
    state : dict of arrays
        Running values, by path ("1/mean"); empty for most networks.
    frozen : tuple of str
        Paths of the parameters that training leaves as they are: see `freeze`.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> network = bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2)).build((4,))
    >>> network(np.zeros((5, 4), dtype="float32")).shape
    (5, 2)
    >>> print(network)
    layer  kind       output  parameters  multiply-adds  weights
    0      Linear(3)  (3,)            15             12  weight 3×4, bias 3
    1      ReLU()     (3,)             0              0
    2      Linear(2)  (2,)             8              6  weight 2×3, bias 2
    total             (2,)            23             18
    """

    architecture: Layer
    params: Params
    input_shape: Any
    state: dict[str, Any] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()

    freeze = verb("backlit.train.freezing:freeze", "The network with some parameters frozen, by layer or pattern.")
    unfreeze = verb("backlit.train.freezing:unfreeze", "The network with all, or some, parameters trained again.")
    with_head = verb("backlit.nn.head:with_head", "The network with another last layer, freshly drawn.")
    to_torch = verb("backlit.exchange.torch:to_torch", "The same network as a torch.nn.Module.")
    to_keras = verb("backlit.exchange.keras:to_keras", "The same network as a Keras model.")

    @classmethod
    def build(cls, architecture: Layer, input_shape: Any, seed: int = 0, dtype: str = "float32") -> Network:
        """Draw the parameters of `architecture` for inputs of `input_shape`; the same seed gives the same network.

        Raises
        ------
        ShapeError
            If a layer can't take the shape that reaches it.
        InputError
            If the network is larger than the limits on layers, nesting and weights allow (see `backlit.limits`).
        """
        shape = fitting(architecture, example_shape(input_shape))
        require_start(seed, dtype)
        require_size(architecture, shape)
        params, _ = architecture.init(Key(seed), shape)
        refuse_shared(architecture, params)
        cast = lambda leaf: np.asarray(leaf, dtype=dtype)  # noqa: E731
        return cls(architecture, tree.map(cast, params), shape, start_state(architecture, shape, dtype))

    @classmethod
    def empty(cls, architecture: Layer, input_shape: Any, dtype: str = "float32", most: int | None = None) -> Network:
        """As `build`, but nothing is drawn: all parameters are zero, read-only and without memory of their own.

        Running values are those of the start. For whoever has the parameters already, from a file, and wants to know
        what shapes they must have. A network of more than `most` numbers is refused before memory is taken for it.

        Examples
        --------
        >>> import backlit as bl
        >>> bl.Network.empty(bl.GRU(512), (10, 512)).params["weight"].shape
        (1536, 512)
        """
        shape = fitting(architecture, example_shape(input_shape))
        params, _ = architecture.init(Key.undrawn(most), shape)
        blank = lambda leaf: np.broadcast_to(np.zeros((), dtype=dtype), np.shape(leaf))  # noqa: E731
        return cls(architecture, tree.map(blank, params), shape, start_state(architecture, shape, dtype))

    @property
    def output_shape(self) -> Any:
        """Shape of one output; of a network of several outputs that of each, by name."""
        return self.architecture.output_shape(self.input_shape)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of several inputs; empty for a network that takes one array."""
        return self.architecture.input_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of several outputs; empty for a network that gives one array."""
        return self.architecture.output_names

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(int(np.prod(leaf.shape)) for leaf in tree.leaves(self.params))

    @property
    def dtype(self) -> Any:
        """Type of the parameters."""
        node: Any = self.params
        while type(node) is dict and node:  # the shortest way to an array: of one row every microsecond counts
            node = next(iter(node.values()))
        if type(node) is np.ndarray:
            return node.dtype
        dtype = next((leaf.dtype for _, leaf in tree.items(self.params)), np.dtype("float32"))
        return dtype if isinstance(dtype, np.dtype) else np.dtype(str(dtype))

    def apply(
        self, params: Params, x: Any, *, state: dict[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> tuple[Any, dict[str, Any]]:
        """The raw output for a batch with given parameters, and the running state afterwards: see `forward`.

        Layers that carry their state from batch to batch go on from a `state` that is given; without one they start
        anew, unless ``fresh=False`` has them go on from the network's own.
        """
        if state is not None and not options.get("training"):
            options.setdefault("fresh", np.bool_(False))
        state = self.state if state is None else state
        return forward(self.architecture, self.input_shape, params, x, state=state, **options)

    def __call__(self, x: Any) -> Any:
        """The raw output (for classifiers: logits) of a batch ``x: (batch, *input_shape)``, in evaluation mode.

        A network of several inputs takes a dict of batches, one of several outputs gives a dict.
        """
        if isinstance(x, Mapping):
            x = {
                name: self._array(one, name in self.input_names and self.architecture.takes_integers_at(name))
                for name, one in x.items()
            }
        else:
            x = self._array(x, self.takes_integers)
        return self.apply(self.params, x)[0]

    export = verb("backlit.exchange.onnx.exporting:export_network", "Write it as an ONNX file.")

    def _array(self, x: Any, integers: bool) -> Any:
        return x if hasattr(x, "shape") else np.asarray(x, dtype=None if integers else self.dtype)

    def astype(self, dtype: str) -> Network:
        """The same network in another precision."""
        cast = lambda leaf: np.asarray(leaf, dtype=dtype)  # noqa: E731
        return self.replace(params=tree.map(cast, self.params), state=tree.map(cast, self.state))

    @property
    def takes_integers(self) -> bool:
        """Whether inputs are whole numbers (an embedding comes first) rather than real ones."""
        return self.architecture.takes_integers

    def check_inputs(self, x: np.ndarray) -> None:
        """Refuse whole numbers that the first layer has nothing for: see `Layer.check_inputs`."""
        self.architecture.check_inputs(x)

    def replace(self, **changes: Any) -> Network:
        """A network with other params or state."""
        return dataclasses.replace(self, **changes)

    def __eq__(self, other: object) -> bool:
        """Whether architecture, shapes, parameters and running values are the same, number by number."""
        if not isinstance(other, Network):
            return NotImplemented
        one, two = ((each.architecture, each.input_shape, set(each.frozen)) for each in (self, other))
        return one == two and tree.same_numbers((self.params, self.state), (other.params, other.state))

    def __hash__(self) -> int:
        return hash((type(self.architecture).__name__, self.input_shape, self.size))

    def rows(self, containers: bool = False) -> list[tuple[str, Layer, Shape, int, int]]:
        """One line a layer, containers opened: path, layer, output shape, parameters, multiply-adds.

        Parameters
        ----------
        containers : bool
            Also a line for each container, before those of its parts.
        """
        sizes = {path: int(np.prod(leaf.shape)) for path, leaf in tree.items(self.params)}
        rows = []
        for place in self.architecture.walk_shapes(self.input_shape):
            path, layer = place.path, place.layer
            if layer.parts() and not containers:
                continue
            size = sum(size for key, size in sizes.items() if key == path or key.startswith(f"{path}/") or not path)
            rows.append((path, layer, layer.output_shape(place.shape), size, layer.cost(place.shape)))
        return rows

    def __str__(self) -> str:
        return described(self)

    _repr_html_ = verb("backlit.report.notebook:of_network", "What a notebook shows: the layers, drawn and in a table.")

    def __repr__(self) -> str:
        return f"Network({self.architecture!r}, input_shape={self.input_shape}, {self.size:,} parameters)"


def _plain(value: Any) -> Any:
    if isinstance(value, Layer):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        return Layer.from_dict(value) if "layer" in value else {key: _unplain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_unplain(item) for item in value)
    return value


def require_axes(layer: Layer, shape: Shape, count: int, meaning: str) -> None:
    """Refuse an input of another number of axes than the layer works on."""
    if len(shape) != count:
        raise ShapeError(f"{layer} needs inputs of shape {meaning}, got {shape}")


def require_positive(layer: Layer, **sizes: Any) -> None:
    """Refuse hyperparameters that aren't whole numbers above zero."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InputError(f"{type(layer).__name__}: {name} must be a whole number of at least 1, got {size!r}")


def init_part(key: Key, name: str, layer: Layer, shape: Shape) -> tuple[Params, Shape]:
    """`init` of a container's part; what goes wrong in it is told with its path."""
    try:
        refuse_several(layer, shape)
        return layer.init(key.child(name), shape)
    except BacklitError as error:
        tell_where(error, "/".join((*key.path, name)), layer)
        raise
