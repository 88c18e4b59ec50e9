"""Networks to and from Keras 3. What needs Keras is imported when it is first called; it runs on JAX or PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backlit.errors import InputError
from backlit.exchange.keras import backend
from backlit.extras import need
from backlit.nn.layer import Network

backend.choose()


def from_keras(model: Any) -> Network:
    """A Keras model as a network of Backlit's: the same layers with the same weights.

    `Sequential` and functional models are taken over layer by layer, models within models too; what is added or
    concatenated becomes `Residual`, `Parallel` or `Wired`. Layers with ``trainable=False`` are frozen
    (`Network.freeze`). Outputs are compared, in evaluation mode, before anything is returned.

    A model of several inputs or outputs becomes a `Wired` that takes or gives dicts. Names are the keys of the model's
    own dicts, if it was built with such, else those of the ``keras.Input`` and of the layers that give the outputs.

    Parameters
    ----------
    model : keras.Model, or path of a .keras file
        A file is read in Keras' safe mode: one that holds code is refused.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If a layer has no counterpart, or is used in two places, or an input leads nowhere; it is named. If Keras isn't
        installed.

    Notes
    -----
    Keras's `BatchNormalization` follows the batch's biased variance in training, Backlit's the unbiased one.

    Examples
    --------
    >>> import backlit as bl, keras
    >>> layers = [keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)]
    >>> bl.from_keras(keras.Sequential(layers))
    Network(Sequential(Linear(8), ReLU(), Linear(3)), input_shape=(4,), 67 parameters)
    >>> image, meta = keras.Input((6, 6, 1), name="image"), keras.Input((2,), name="meta")
    >>> look = keras.layers.Flatten()(keras.layers.Conv2D(3, 3)(image))
    >>> both = keras.layers.Concatenate()([look, meta])
    >>> heads = [keras.layers.Dense(3, name="kind")(both), keras.layers.Dense(1, name="price")(both)]
    >>> network = bl.from_keras(keras.Model([image, meta], heads))
    >>> network.input_shape, network.output_shape
    ({image: (6, 6, 1), meta: (2,)}, {kind: (3,), price: (1,)})
    """
    keras = need("keras", extra="keras", why="taking over a Keras model")
    if isinstance(model, (str, Path)):
        model = _loaded(keras, Path(model))
    from backlit.exchange.keras.convert import converted

    return converted(model)


def to_keras(network: Network) -> Any:
    """The network as a Keras model with the same weights: see `Network.to_keras`.

    A chain of layers becomes a ``keras.Sequential``, any other network a functional model; ``model.save("m.keras")``
    writes it. Axes stay as they are, channels last. Frozen layers have ``trainable=False``. Several inputs or outputs
    are dicts by name, as in Backlit: ``model({"image": ..., "meta": ...})["price"]``.

    Parameters
    ----------
    network : Network

    Returns
    -------
    keras.Model

    Raises
    ------
    InputError
        If a layer can't be said in Keras, or only some of its parameters are frozen; its path is named. If Keras isn't
        installed.

    Examples
    --------
    >>> import backlit as bl
    >>> model = bl.Sequential(bl.Conv2d(4, 3), bl.ReLU(), bl.Flatten(), bl.Linear(2)).build((5, 5, 1)).to_keras()
    >>> [type(layer).__name__ for layer in model.layers], model.output_shape
    (['Conv2D', 'ReLU', 'Flatten', 'Dense'], (None, 2))
    """
    if not isinstance(network, Network):
        raise InputError(f"to_keras takes a network that was built, layer.build(shape), got {network!r}")
    need("keras", extra="keras", why="making a Keras model")
    from backlit.exchange.keras.building import built

    return built(network)


def _loaded(keras: Any, path: Path) -> Any:
    if path.suffix != ".keras":
        raise InputError(f"from_keras reads .keras files, as model.save writes them, got {path}")
    if not path.is_file():
        raise InputError(f"{path} can't be read: there is no such file")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a strange file raises
        raise InputError(f"{path} can't be read in Keras' safe mode: {str(error).splitlines()[0]}") from error
