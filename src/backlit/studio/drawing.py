"""The network as `backlit.draw` draws it: its layers, unrolled over time, or the inside of its cell at one step."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.languages import Template
from backlit.nn.layer import Network
from backlit.studio.explaining import side_of
from backlit.studio.replies import Reply

NO_PICTURE = Template(
    "this picture can't be drawn here: that needs the studio that runs on a computer, backlit studio",
    "이 그림은 여기서 그릴 수 없습니다. 컴퓨터에서 실행한 스튜디오(backlit studio)에서 그려 보세요.",
)

Arrays = dict[str, np.ndarray]


def draw(session: Any, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`draw`."""
    side, depth = side_of(session, message), message["depth"]
    timeline = side.timeline
    network, options = timeline.network, {}
    if depth != "layers":
        row = session.ask_about(message.get("row")) or 0
        x = np.asarray(timeline.job.examples.inputs)[row]
        steps = min(message.get("step") or len(x), len(x)) if depth == "cell" else len(x)
        network, options = until(network, steps), {"x": x[:steps]}
        reading = timeline.rows.reading
        if depth == "time" and reading is not None:
            outputs = np.asarray(network(x[None]))[0].argmax(axis=-1)
            letters = "".join(reading.letters[i] for i in outputs)
            options["labels"] = (reading.window(row)[:steps], letters)
    from backlit.inspect.draw import draw as scene_of

    try:
        drawing = scene_of(network, depth, **options).within(message.get("language") or "en")
    except ImportError as error:  # in a browser there is nothing that measures letters
        raise InputError(NO_PICTURE.say()) from error
    told = {"svg": drawing.svg, "title": drawing.title, "text": drawing.description, "update": timeline.at}
    return [Reply({"type": "drawn", "depth": depth, **told})]


def until(network: Network, steps: int) -> Network:
    """The network for so many steps: its states up to there don't depend on what follows."""
    shape = (steps, *network.input_shape[1:])
    if shape == network.input_shape:
        return network
    return Network.empty(network.architecture, shape, str(network.dtype)).replace(params=network.params)
