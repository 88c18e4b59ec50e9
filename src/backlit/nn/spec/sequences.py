"""Networks for sequences by their spec: rows of tokens, windows of series, a stream of text, sequences to others."""

from __future__ import annotations

from dataclasses import dataclass

from backlit.errors import InputError
from backlit.nn.layer import Layer, Shape
from backlit.nn.layers.activations import ReLU
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.convolution import Conv1d
from backlit.nn.layers.decoder import Decoder, EncoderDecoder
from backlit.nn.layers.dropout import Dropout
from backlit.nn.layers.embedding import Embedding
from backlit.nn.layers.linear import Linear
from backlit.nn.layers.pooling import GlobalAvgPool, GlobalMaxPool
from backlit.nn.layers.sequence import EachStep, Masked
from backlit.nn.layers.shaping import Flatten, Reshape, Select
from backlit.nn.spec import build
from backlit.nn.spec.parts import CELLS, RECURRENT, kind_and_sizes, recurrent
from backlit.nn.spec.transformer import KIND, VECTORS, Size, is_transformer

EMBEDDED, EMBED_INIT = 64, "normal:0.1"  # of texts that are classified
EMBEDDING = 32  # length of a token's vector where sequences become others
TOKENS_SEEN = {"words": 3}  # tokens that a convolution sees at once, by their unit
TOKENS_SEEN_OTHERWISE = 5


def for_texts(
    spec: str, outputs: int, dropout: float, vocabulary: int, unit: str, features: int | None = None
) -> Sequential:
    """The network for rows of tokens.

    - ``bag:64``: the mean of the tokens' vectors of 64 features; with further sizes, hidden layers;
    - ``cnn:128``: 128 features of each few tokens in a row, the greatest of each (Y. Kim, EMNLP 2014);
    - ``rnn:64``, ``lstm:64``, ``gru:64,64`` (stacked), ``birnn``, ``bilstm``, ``bigru``: the last state;
    - ``transformer:2x64``, ``transformer:2x64,heads=8``: the mean of what attention makes of the tokens.

    Parameters
    ----------
    spec : str
    outputs : int
    dropout : float
    vocabulary : int
        Tokens are whole numbers below it; 0 is padding.
    unit : str
        What the tokens are: convolutions see fewer words at once than characters.
    features : int, optional
        Length of vectors that are known already; all of a bag's sizes are then hidden layers.

    Raises
    ------
    InputError
        For other specs.

    Examples
    --------
    >>> for_texts("bag:8,4", 2, 0.0, vocabulary=100, unit="words").output_shape((7,))
    (2,)
    """
    usage, what = "sizes such as {kind}:64", "network for texts"
    drop: list[Layer] = [Dropout(dropout)] if dropout else []
    if is_transformer(spec):
        attentive = Size.read(spec)
        vectors: list[Layer] = [Embedding(vocabulary, features or attentive.units, VECTORS)]
        vectors += [] if features in (None, attentive.units) else [Linear(attentive.units)]
        return Sequential(Masked(*vectors, *attentive.encoder(dropout), GlobalAvgPool()), *drop, Linear(outputs))
    kind, sizes = kind_and_sizes(spec, ("bag", "cnn", *RECURRENT, KIND), "64", usage, what)
    if kind == "bag":
        table = Embedding(vocabulary, features or sizes[0], EMBED_INIT)
        layers: list[Layer] = [Masked(table, GlobalAvgPool()), *drop]
        for size in sizes if features else sizes[1:]:
            layers += [Linear(size, weight_init="kaiming"), ReLU(), *drop]
        return Sequential(*layers, Linear(outputs))
    inside: list[Layer] = [Embedding(vocabulary, features or EMBEDDED, EMBED_INIT), *drop]
    if kind == "cnn":
        width = TOKENS_SEEN.get(unit, TOKENS_SEEN_OTHERWISE)
        for size in sizes:
            inside += [Conv1d(size, width, padding="same", weight_init="kaiming"), ReLU()]
        inside.append(GlobalMaxPool())
    else:
        inside += stacked(kind, sizes)
    return Sequential(Masked(*inside), *drop, Linear(outputs))


def for_windows(spec: str, outputs: int, activation: str, dropout: float) -> Sequential:
    """The network for windows of time series (window, features); its last layer starts at zero.

    So training begins at the linear forecast, and early stopping keeps what improves on it.

    Parameters
    ----------
    spec : str
        "mlp:64,32" or "linear", which see the whole window at once; "rnn:32", "lstm:32" or "gru:32", which read it step
        by step; "transformer:2x32", whose last step looks at all.
    outputs : int
    activation : str
    dropout : float

    Examples
    --------
    >>> for_windows("gru:8", 7, "silu", 0.0)
    Sequential(GRU(8), Linear(7, weight_init='zeros'))
    """
    last = Linear(outputs, weight_init="zeros")
    if is_transformer(spec):
        size = Size.read(spec)
        return Sequential(Linear(size.units), *size.encoder(dropout), Select(-1), last)
    if spec.partition(":")[0] not in CELLS:
        return Sequential(Flatten(), *build(spec, outputs, activation, dropout).layers[:-1], last)
    usage = "the number of units, such as {kind}:32"
    kind, sizes = kind_and_sizes(spec, CELLS, "32", usage)
    if len(sizes) > 1:
        raise InputError(f"network {spec!r}: expected {usage.format(kind=kind)}")
    return Sequential(recurrent(kind, sizes[0]), last)


def for_stream(spec: str, vocabulary: int, streams: int, dropout: float) -> Sequential:
    """An embedding, layers that see what came before, and a score for each token.

    "lstm:256", "gru:128,128" and their like carry their state; "transformer:2x128" looks back within a window.

    Parameters
    ----------
    spec : str
    vocabulary : int
        Different tokens.
    streams : int
        Places of the text that are read side by side.
    dropout : float

    Examples
    --------
    >>> [type(layer).__name__ for layer in for_stream("gru:16,16", 50, 8, 0.0).layers]
    ['Embedding', 'GRU', 'GRU', 'Linear']
    """
    if is_transformer(spec):
        size = Size.read(spec)
        table = Embedding(vocabulary, size.units, EMBED_INIT)
        return Sequential(table, *size.encoder(dropout, causal=True), Linear(vocabulary))
    usage = "layers' sizes such as {kind}:256 or {kind}:128,128"
    what = "network for a text (rnn, lstm, gru or transformer)"
    kind, sizes = kind_and_sizes(spec, (*CELLS, KIND), "256", usage, what)
    layers: list[Layer] = [Embedding(vocabulary, min(64, max(4, vocabulary)))]
    for units in sizes:
        layers.append(recurrent(kind, units, return_sequences=True, stateful=streams))
        layers += [Dropout(dropout)] if dropout else []
    return Sequential(*layers, Linear(vocabulary))


@dataclass(frozen=True)
class Writer:
    """What is written, token by token: how many different tokens there are, the most of one text, and where it looks.

    Attributes
    ----------
    vocabulary : int
    steps : int
    attention : "dot", "additive" or None
    """

    vocabulary: int
    steps: int
    attention: str | None = None


def for_sequences(
    spec: str | Layer,
    shape: Shape,
    dropout: float,
    *,
    vocabulary: int | None = None,
    tags: bool = False,
    outputs: int = 0,
    writer: Writer | None = None,
) -> Layer:
    """The network from sequences to a class, to a tag for each token, or to other sequences.

    Parameters
    ----------
    spec : str or Layer
        "lstm:128", "gru:64,64" (stacked), "bilstm:64" (both directions), "transformer:2x64", or what reads the input.
    shape : tuple of int
        Of one example.
    dropout : float
    vocabulary : int, optional
        Inputs are whole numbers below it; 0 is padding.
    tags : bool
        Whether there is an output for each step.
    outputs : int
        Classes or tags.
    writer : Writer, optional
        What is written; its units are the spec's last size.

    Raises
    ------
    InputError
        For other specs.

    Examples
    --------
    >>> for_sequences("gru:8", (5, 3), 0.0, outputs=2)
    Sequential(GRU(8), Linear(2))
    """
    kind, sizes = writing_cell(spec)
    body: list[Layer]
    if isinstance(spec, Layer):
        body = [spec]
    elif is_transformer(spec):
        if vocabulary is None and len(shape) != 2:
            raise InputError(f"network {spec!r}: expected sequences (time, features) to look at, got shape {shape}")
        first = Linear(sizes[-1]) if vocabulary is None else Embedding(vocabulary, sizes[-1], VECTORS)
        body = [first, *Size.read(spec).encoder(dropout)]
        body += [] if tags or writer is not None else [GlobalAvgPool()]
    elif writer is not None and vocabulary is None and len(shape) != 2:  # one row of numbers, or a picture
        body = [Flatten(), Linear(sizes[-1], weight_init="kaiming"), ReLU()]
    else:
        body = stacked(kind, sizes, tags or (writer is not None and bool(writer.attention)), dropout)
        body = body if vocabulary is None else [Embedding(vocabulary, EMBEDDING), *body]
    padding = 0 if vocabulary is not None and not isinstance(spec, Layer) else None
    if writer is not None:
        decoder = Decoder(
            writer.vocabulary, writer.steps, units=sizes[-1], cell=kind.removeprefix("bi"), layers=len(sizes),
            embedding=EMBEDDING, attention=writer.attention, dropout=dropout,
        )  # fmt: skip
        return EncoderDecoder(Sequential(*body), decoder, padding)
    if padding is not None:
        body = [Masked(*body, value=padding)]
    return Sequential(*body, Linear(outputs))


def for_clips(
    spec: str, shape: Shape, outputs: int, activation: str, dropout: float, first: tuple[Layer, ...] = ()
) -> Sequential:
    """A network for films (time, height, width, channels): what looks at each frame, and what remembers.

    Parameters
    ----------
    spec : str
        "cnn:16,32 lstm:64": a network or layers for one frame, then a recurrent layer; either may be left out.
    shape : tuple of int
    outputs : int
    activation : str
    dropout : float
        After the recurrent layer.
    first : tuple of Layer
        Layers that each frame passes first.

    Raises
    ------
    InputError
        For other specs.

    Examples
    --------
    >>> for_clips("mlp:8 gru:4", (5, 6, 6, 1), 2, "relu", 0.0)
    Sequential(EachStep(Flatten(), Linear(8, weight_init='kaiming'), ReLU()), GRU(4), Linear(2))
    """
    eye, (kind, sizes) = _eye_and_memory(spec, "lstm:64")
    frame = build(eye, outputs, activation, input_shape=shape[1:], first=first).layers[:-1]
    drop = [Dropout(dropout)] if dropout else []
    return Sequential(EachStep(*frame), *stacked(kind, sizes), *drop, Linear(outputs))


def for_captions(
    spec: str, shape: Shape, writer: Writer, activation: str, dropout: float, first: tuple[Layer, ...] = ()
) -> EncoderDecoder:
    """A network that looks at a picture (height, width, channels) and writes a text, seeing it before each token.

    The picture's features are a sequence of one step, at which attention looks whenever a token is written: as a start
    alone they would fade with each token.

    Parameters
    ----------
    spec : str
        "cnn:16,32 gru:128": a network or layers for the picture, then the cell that writes; either may be left out.
    shape, activation, dropout, first :
        As for `for_clips`.
    writer : Writer

    Examples
    --------
    >>> for_captions("cnn:4,8 gru:16", (16, 16, 1), Writer(30, 6), "relu", 0.0).output_shape((16, 16, 1))
    (6, 30)
    """
    eye, (kind, sizes) = _eye_and_memory(spec, "gru:128")
    encoder = Sequential(*build(eye, 1, activation, input_shape=shape, first=first).layers[:-1])
    decoder = Decoder(
        writer.vocabulary, writer.steps, units=sizes[-1], cell=kind.removeprefix("bi"), layers=len(sizes),
        embedding=EMBEDDING, attention="dot", dropout=dropout,
    )  # fmt: skip
    return EncoderDecoder(Sequential(*encoder.layers, Reshape((1, *encoder.output_shape(shape)))), decoder)


def _eye_and_memory(spec: str, memory: str) -> tuple[str, tuple[str, list[int]]]:
    """The words for a picture, and kind and sizes of the recurrent layer that follows them."""
    words = spec.split()
    recurring = [word for word in words if word.partition(":")[0] in RECURRENT]
    if len(recurring) > 1 or (recurring and words[-1] != recurring[0]):
        raise InputError(
            f"network {spec!r}: expected what looks at a picture, then one recurrent layer: 'cnn:16,32 lstm:64', or "
            "'conv:16,3 relu pool:2 flatten gru:64,64'"
        )
    eye = " ".join(words[: len(words) - len(recurring)]) or "cnn"
    return eye, recurrent_spec(recurring[0] if recurring else memory)


def writing_cell(spec: str | Layer) -> tuple[str, list[int]]:
    """Kind and sizes of the recurrent layers that write what a network read: its own, or an LSTM.

    >>> writing_cell("gru:64"), writing_cell("transformer:2x32")
    (('gru', [64]), ('lstm', [32]))
    """
    if isinstance(spec, Layer):
        return recurrent_spec("lstm")
    return ("lstm", [Size.read(spec).units]) if is_transformer(spec) else recurrent_spec(spec)


def recurrent_spec(spec: str) -> tuple[str, list[int]]:
    """Kind and sizes of recurrent layers: ("bilstm", [64])."""
    usage = "layers' sizes such as {kind}:128 or {kind}:64,64"
    return kind_and_sizes(spec, (*RECURRENT, KIND), "128", usage, "network for sequences")


def stacked(kind: str, sizes: list[int], every_step: bool = False, dropout: float = 0.0) -> list[Layer]:
    """Recurrent layers one above another; the last gives all its steps, or its last."""
    return [
        recurrent(kind, units, return_sequences=every_step or i + 1 < len(sizes), **({"dropout": dropout} if i else {}))
        for i, units in enumerate(sizes)
    ]
