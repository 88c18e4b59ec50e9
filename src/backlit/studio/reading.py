"""A network along a text: what each of its layers does at each character, and what it expects to come next."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np

from backlit.graph.ops import softmax
from backlit.nn.layer import Network, forward
from backlit.nn.layers.containers import Sequential
from backlit.studio.recurrent import KINDS
from backlit.studio.texts import Reading
from backlit.studio.timeline import Timeline
from backlit.studio.writing import Writing

BETWEEN = ("forget_gate", "input_gate", "output_gate", "reset_gate", "update_gate")  # whose values are 0 to 1
ORDER = ("forget_gate", "input_gate", "candidate", "output_gate", "reset_gate", "update_gate", "cell", "hidden")


PANELS = ("text", "reading")
SHORT = 12  # characters of a text that is written anew for every frame
REST = 0.15  # seconds from one look to the next while it is playing; of longer texts


class TextLooks:
    """What frames have of a network that reads a text.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.writing = timeline, Writing(timeline)
        self._told: dict[str, Any] | None = None
        self._when = 0.0

    def written(self, playing: bool) -> dict[str, Any]:
        """What it writes by itself; while it is playing a longer text is written now and then."""
        now = time.monotonic()
        short = len(self.timeline.rows.reading.text) <= SHORT
        if self._told is None or short or not playing or now - self._when >= REST:
            self._told, self._when = self.writing.told(), now
        return self._told


def look(timeline: Timeline, row: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A row, character by character.

    Returns
    -------
    told : dict
        row, text (its characters and the one after them), letters, and layers: {path, kind, states}.
    arrays : dict
        "steps/output" (steps, letters), the probabilities of the next character; "steps/PATH/STATE" (steps, units) of
        recurrent layers: hidden, cell and gates; "steps/PATH/hidden" of others, their output.
    """
    reading: Reading = timeline.rows.reading
    network, row = timeline.network, min(row, len(reading.starts) - 1)
    layers, arrays = states_of(network, np.asarray(timeline.job.examples.inputs)[row][None])
    told = {"row": row, "text": list(reading.window(row)), "letters": list(reading.letters), "layers": layers}
    return told, arrays


def states_of(network: Network, x: np.ndarray) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Layers with their states for one row (1, steps, letters); see `look`."""
    x = x.astype(network.dtype)
    outputs: dict[str, np.ndarray] = {}

    def tap(path: str, value: Any) -> Any:
        outputs[path] = np.asarray(value)
        return value

    with np.errstate(all="ignore"):
        last, _ = forward(network.architecture, network.input_shape, network.params, x, state=network.state, tap=tap)
        arrays = {"steps/output": np.asarray(softmax(np.asarray(last)[0].astype(np.float64), axis=-1))}
        layers: list[dict[str, Any]] = []
        given: Any = x
        chain = network.architecture.layers if isinstance(network.architecture, Sequential) else ()
        for path, layer in zip(map(str, range(len(chain))), chain, strict=True):
            if isinstance(layer, KINDS):
                whole = dataclasses.replace(layer, return_states=True)
                found = whole(network.params[path], given)[1]
                names = [name for name in ORDER if name in found]
                arrays |= {f"steps/{path}/{name}": np.asarray(found[name])[0] for name in names}
                layers.append({"path": path, "kind": type(layer).__name__, "states": names})
            given = outputs.get(path, given)
    return layers, arrays
