"""From a file to a `Model`: everything that it says is looked at before it is believed."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError, shown
from backlit.exchange.onnx.reading.model import TEXT, Input, Model, Node
from backlit.extras import need
from backlit.files import read_regular
from backlit.nn.operators.choosing import TYPES
from backlit.nn.operators.table import LEAST

STRING = 8  # ONNX's number of the type of texts
DYNAMIC = ("If", "Loop", "Scan", "SequenceMap")  # what decides while it runs
NODES = 50  # of a file, for each layer that a network may have: sizes are computed by many small ones
OTHER = {"ai.onnx.ml": "ai.onnx.ml", "ai.onnx": "", "": ""}


def read_model(path: str | Path) -> Model:
    """Read an ONNX file.

    Raises
    ------
    InputError
        If it is no ONNX file, damaged, beyond the limits, refers to files outside its folder, or has what Backlit
        can't run; the message names node or array.
    """
    onnx = need("onnx", extra="onnx", why="reading an ONNX file")
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"from_onnx takes the path of a file, 'model.onnx' say, got {shown(path)}")
    file = Path(path)
    try:
        size = file.stat().st_size
        bounds.require("parameters", size // 8, f"{file} may hold", least=1)
        content = read_regular(file)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} can't be read: {error}") from error
    return parse_model(onnx, content, file)


def parse_model(onnx: Any, content: bytes, file: Path) -> Model:
    """The model that the bytes of a file hold."""
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:  # noqa: BLE001 (protobuf's errors depend on how it was built)
        raise InputError(f"{file} is no ONNX file, or damaged: {str(error) or type(error).__name__}") from None
    if not proto.HasField("graph") or not proto.ir_version:
        raise InputError(f"{file} is no ONNX file, or damaged: it holds no graph")
    try:
        return _model(onnx, proto, file)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except RecursionError:
        raise InputError(f"{file}: its functions are nested too deep") from None


def _model(onnx: Any, proto: Any, file: Path) -> Model:
    version = _version(onnx, proto)
    if proto.functions:
        proto = _inlined(onnx, proto)
    graph = proto.graph
    bounds.require("layers", len(graph.node) / NODES, f"its {len(graph.node):,} nodes make at least")
    if graph.sparse_initializer:
        raise InputError("it has sparse arrays, which Backlit doesn't read; save it with dense ones")
    _require_weights(graph.initializer)
    constants = {}
    for tensor in graph.initializer:
        if tensor.name in constants or not tensor.name:
            raise InputError(f"two arrays are called {shown(tensor.name)}")
        constants[tensor.name] = _array(onnx, tensor, file.parent, f"array {shown(tensor.name)}")
    learned = frozenset(name for name, array in constants.items() if array.dtype.kind == "f" and array.size > 1)
    inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
    nodes = _nodes(onnx, graph, file.parent)
    ordered = _ordered(nodes, {*constants, *(given.name for given in inputs)})
    outputs = tuple(value.name for value in graph.output)
    made = {*constants, *(given.name for given in inputs), *(name for node in ordered for name in node.outputs)}
    for name in outputs:
        if name not in made:
            raise InputError(f"its output {shown(name)} is made by no node")
    if not outputs:
        raise InputError("it has no outputs")
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    return Model(ordered, constants, learned, inputs, outputs, version, metadata)


def _version(onnx: Any, proto: Any) -> int:
    """The version of ONNX's operator set."""
    newest = onnx.defs.onnx_opset_version()
    versions = sorted({entry.version for entry in proto.opset_import if OTHER.get(entry.domain) == ""})
    if len(versions) > 1:
        raise InputError(f"it names {len(versions)} versions of ONNX's operators")
    if not versions:
        return newest  # of other operators alone
    if not LEAST <= versions[0] <= newest:
        raise InputError(
            f"it uses version {versions[0]} of ONNX's operators (opset); Backlit reads {LEAST} to "
            f"{newest}; export it anew"
        )
    return int(versions[0])


def _inlined(onnx: Any, proto: Any) -> Any:
    """The model with its own functions in place of their calls."""
    sizes: dict[tuple[str, str], int] = {}
    bodies = {(function.domain, function.name): function for function in proto.functions}
    most = bounds.current().layers * NODES

    def size(key: tuple[str, str], around: tuple[tuple[str, str], ...]) -> int:
        if key in around:
            raise InputError(f"its function {key[1]} calls itself")
        if key not in sizes:
            inside = [(node.domain, node.op_type) for node in bodies[key].node]
            sizes[key] = sum(size(each, (*around, key)) if each in bodies else 1 for each in inside)
        return sizes[key]

    total = sum(size(key, ()) if (key := (node.domain, node.op_type)) in bodies else 1 for node in proto.graph.node)
    bounds.require("layers", total / NODES, f"its functions make {total:,} nodes,")
    if total > most:
        raise InputError(f"its functions make {total:,} nodes")
    try:
        from onnx import inliner

        return inliner.inline_local_functions(proto)
    except Exception as error:  # noqa: BLE001 (of its C++ part)
        raise InputError(f"its functions can't be put in place of their calls: {str(error)[:200]}") from None


# --------------------------------------------------------------------------------------------------------- arrays


def _require_weights(tensors: Iterable[Any]) -> None:
    """Refuse more numbers than a network may have, before memory is taken."""
    total = 0
    for tensor in tensors:
        if any(size < 0 for size in tensor.dims):
            raise InputError(f"array {shown(tensor.name)} has sizes {list(tensor.dims)}")
        total += math.prod(tensor.dims)
    bounds.require("parameters", total, "it has")


def _array(onnx: Any, tensor: Any, folder: Path, what: str) -> np.ndarray:
    """A tensor as an array of a type that Backlit has, or of texts."""
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise InputError(f"{what} has sizes {shape}")
    if tensor.data_type == STRING:
        texts = [_text(text, what) for text in tensor.string_data]
        if len(texts) != math.prod(shape):
            raise InputError(f"{what} holds {len(texts)} texts, its shape {shape} asks for {math.prod(shape)}")
        return np.array(texts, dtype=object).reshape(shape)
    if tensor.data_type not in TYPES:
        known = {number: name for name, number in onnx.TensorProto.DataType.items()}
        name = known.get(tensor.data_type, f"number {tensor.data_type}")
        raise InputError(f"{what} is of type {name}, which Backlit doesn't have; it has {', '.join(TYPES.values())}")
    dtype = np.dtype(TYPES[tensor.data_type])
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return (
            np.frombuffer(_outside(tensor, folder, math.prod(shape) * dtype.itemsize, what), dtype.newbyteorder("<"))
            .astype(dtype)
            .reshape(shape)
        )
    try:
        array = np.array(onnx.numpy_helper.to_array(tensor), dtype=dtype)
    except Exception as error:  # noqa: BLE001 (whatever a wrong length leads to)
        raise InputError(f"{what} is damaged: {error}") from None
    if array.shape != shape:
        raise InputError(f"{what} is damaged: it holds numbers for shape {array.shape}, not {shape}")
    return array


def _outside(tensor: Any, folder: Path, size: int, what: str) -> bytes:
    """The bytes of an array that are kept in a file beside the model's own, and nowhere else."""
    told: Mapping[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    place = told.get("location", "")
    parts = Path(place).parts
    if (
        not place
        or "\0" in place
        or "\\" in place
        or Path(place).is_absolute()
        or ".." in parts
        or place.startswith("/")
    ):
        raise InputError(f"{what} refers to the file {shown(place)}: only files in the model's own folder are read")
    try:
        offset, length = int(told.get("offset", "0")), int(told.get("length", str(size)))
    except ValueError:
        raise InputError(f"{what}: offset and length must be whole numbers, got {shown(told)}") from None
    if offset < 0 or length != size:
        raise InputError(f"{what} needs {size} bytes, but refers to {length} from {offset} of {shown(place)}")
    for i in range(len(parts)):
        if folder.joinpath(*parts[: i + 1]).is_symlink():
            raise InputError(f"{what} refers to {shown(place)}, a link: only files in the model's own folder are read")
    path = folder / place
    try:
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode):
                raise InputError(f"{what} refers to {shown(place)}, which is no regular file")
            if offset + length > state.st_size:
                raise InputError(
                    f"{what} refers to bytes {offset} to {offset + length} of {shown(place)}, which has {state.st_size}"
                )
            file.seek(offset)
            content = file.read(length)
    except OSError as error:
        raise InputError(f"{what} refers to the file {shown(place)}, which can't be read: {error}") from error
    if len(content) != length:
        raise InputError(f"{what}: {shown(place)} ended before its {length} bytes were read")
    return content


def _text(content: bytes, what: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InputError(f"{what} holds a text that isn't UTF-8") from None


def _input(value: Any) -> Input:
    if not value.type.HasField("tensor_type"):
        raise InputError(f"its input {shown(value.name)} is no array (a sequence, a map or an optional value)")
    tensor = value.type.tensor_type
    dtype = TEXT if tensor.elem_type == STRING else TYPES.get(tensor.elem_type)
    if dtype is None:
        raise InputError(
            f"its input {shown(value.name)} is of ONNX's type number {tensor.elem_type}, which Backlit doesn't have"
        )
    sizes = tuple(
        size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None for size in tensor.shape.dim
    )
    return Input(value.name, dtype, sizes)


# ---------------------------------------------------------------------------------------------------------- nodes


def _nodes(onnx: Any, graph: Any, folder: Path) -> list[Node]:
    nodes = []
    for i, proto in enumerate(graph.node):
        operator = proto.op_type
        where = f"node {proto.name or i + 1} ({operator})"
        if operator in DYNAMIC:
            raise InputError(
                f"{where} decides while it runs what is computed: dynamic control flow can't be compiled; export the "
                "network without loops and conditions"
            )
        if proto.domain not in OTHER:
            raise InputError(
                f"{where} is of the domain {shown(proto.domain)}; Backlit reads ONNX's own operators and ai.onnx.ml's"
            )
        attributes = {}
        for attribute in proto.attribute:
            if attribute.name in attributes:
                raise InputError(f"{where} has two attributes {shown(attribute.name)}")
            attributes[attribute.name] = _attribute(onnx, attribute, folder, where)
        nodes.append(
            Node(
                operator,
                proto.name or f"{operator}_{i + 1}",
                tuple(proto.input),
                tuple(proto.output),
                attributes,
                OTHER[proto.domain],
            )
        )
    return nodes


def _attribute(onnx: Any, attribute: Any, folder: Path, where: str) -> Any:
    """An attribute as a plain value; its kind is what the file says it is, whatever the operator expects."""
    kinds = onnx.AttributeProto
    what = f"{where}: attribute {attribute.name}"
    if attribute.ref_attr_name:
        raise InputError(f"{what} refers to a function's, but is in none")
    if attribute.type == kinds.INT:
        return int(attribute.i)
    if attribute.type == kinds.FLOAT:
        return _shortest(attribute.f)
    if attribute.type == kinds.STRING:
        return _text(attribute.s, what)
    if attribute.type == kinds.INTS:
        return tuple(attribute.ints)
    if attribute.type == kinds.FLOATS:
        return tuple(map(_shortest, attribute.floats))
    if attribute.type == kinds.STRINGS:
        return tuple(_text(text, what) for text in attribute.strings)
    if attribute.type == kinds.TENSOR:
        _require_weights([attribute.t])
        return _array(onnx, attribute.t, folder, what)
    raise InputError(f"{what} is a graph, a sequence or of no known kind: Backlit's operators have no such attributes")


def _shortest(number: float) -> float:
    """A 32-bit number by the fewest digits that tell it: 1e-05, not 9.999999747378752e-06."""
    return float(str(np.float32(number)))


def _ordered(nodes: list[Node], known: set[str]) -> tuple[Node, ...]:
    """The nodes, each after those whose values it takes: some tools write them in another order.

    Raises
    ------
    InputError
        If a value is made twice, or never, or nodes wait for each other in a circle.
    """
    makers: dict[str, Node] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in makers or name in known:
                raise InputError(f"{node} makes the value {shown(name)}, which is there already")
            makers[name] = node
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in known and name not in makers:
                raise InputError(f"{node} takes the value {shown(name)}, which nothing makes")
    waiting = {id(node): len({name for name in node.inputs if name in makers}) for node in nodes}
    users: dict[str, list[Node]] = {}
    for node in nodes:
        for name in {name for name in node.inputs if name in makers}:
            users.setdefault(name, []).append(node)
    ready, order = [node for node in reversed(nodes) if not waiting[id(node)]], []
    while ready:
        node = ready.pop()
        order.append(node)
        freed = []
        for name in filter(None, node.outputs):
            for user in users.get(name, ()):
                waiting[id(user)] -= 1
                if not waiting[id(user)]:
                    freed.append(user)
        ready += reversed(freed)
    if len(order) < len(nodes):
        stuck = next(node for node in nodes if waiting[id(node)])
        raise InputError(f"{stuck} waits for its own result: connections run in a circle")
    return tuple(order)
