"""What a network that learned a text writes: one character after another, each the next one's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.ops import softmax
from backlit.languages import Template
from backlit.nn.layer import Network, forward
from backlit.studio.replies import Reply
from backlit.studio.texts import composed, numbers_of
from backlit.studio.timeline import Timeline
from backlit.train.generate import streaming

USUAL, OTHERS = 100, 3  # characters that are written, and letters whose chances are told beside
NO_TEXT = Template(
    "this network learned no text, so it doesn't write; choose a text as data",
    "이 신경망은 텍스트를 배우지 않아서 글을 쓰지 못합니다. 데이터로 텍스트를 고르세요.",
)
NO_START = Template(
    "say how the text begins: at least one character that the network goes on from",
    "글의 시작을 입력하세요. 신경망이 이어 쓸 글자가 하나 이상 있어야 합니다.",
)
NOT_FINITE = Template(
    "the network's outputs are no numbers any more: go back to an update before it diverged",
    "신경망의 출력이 더 이상 수가 아닙니다. 발산하기 전 갱신으로 돌아가세요.",
)

Arrays = dict[str, np.ndarray]


class Step(NamedTuple):
    """A character that was written, its probability, and the likeliest letters with theirs."""

    letter: str
    chance: float
    likeliest: list[tuple[str, float]]


class Reader:
    """Reads characters on and on, and says what may come next; a recurrent layer carries its state along.

    Parameters
    ----------
    network : Network
        From one-hot vectors (steps, letters) to logits (steps, letters).
    """

    def __init__(self, network: Network) -> None:
        self._network, self._architecture = network, streaming(network.architecture, 1)
        state = tree.flatten_dict(self._architecture.init_state(network.input_shape))
        self._state = {name: np.asarray(part, dtype=network.dtype) for name, part in state.items()}
        self._fresh = True

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Probabilities of what comes after these letters, and all that were read before, (letters,)."""
        network = self._network
        x = np.eye(network.input_shape[-1], dtype=network.dtype)[np.asarray(numbers)][None]
        with np.errstate(all="ignore"):
            output, self._state = forward(
                self._architecture, x.shape[1:], network.params, x, state=self._state, fresh=np.bool_(self._fresh)
            )
            self._fresh = False
            chances: np.ndarray = np.asarray(softmax(np.asarray(output)[0, -1].astype(np.float64), axis=-1))
        return chances


def write(
    network: Network, letters: Sequence[str], start: str, count: int, temperature: float = 0.0, seed: int = 0
) -> list[Step]:
    """Go on with a text.

    Parameters
    ----------
    network : Network
    letters : sequence of str
        What its inputs and outputs stand for.
    start : str
        Read first.
    count : int
        Characters to write.
    temperature : float
        0: always the likeliest; 1: by the network's probabilities; between them, or above, by ``p^(1/temperature)``.
    seed : int
        Of what is drawn.

    Raises
    ------
    InputError
        If the start is empty or has a character that isn't known, or the network's outputs aren't finite.
    """
    if not start:
        raise InputError(NO_START.say())
    reader, random, steps = Reader(network), np.random.default_rng(seed), []
    chances = reader.read(numbers_of(start, letters))
    for _ in range(count):
        if not np.isfinite(chances).all():
            raise InputError(NOT_FINITE.say())
        order = np.argsort(-chances, kind="stable")
        number = int(order[0]) if temperature == 0 else _drawn(chances, temperature, random)
        likeliest = [(letters[i], float(chances[i])) for i in order[:OTHERS].tolist()]
        steps.append(Step(letters[number], float(chances[number]), likeliest))
        chances = reader.read([number])
    return steps


def _drawn(chances: np.ndarray, temperature: float, random: np.random.Generator) -> int:
    with np.errstate(divide="ignore"):
        logits = np.log(chances)
    with np.errstate(over="ignore"):  # the likeliest stays 0, others become −∞ where the temperature is very low
        logits = (logits - logits.max()) / temperature
    edges = np.cumsum(np.exp(logits))
    return min(int(np.searchsorted(edges, random.random() * edges[-1], side="right")), len(edges) - 1)


class Writing:
    """What a network writes by itself at each update that was looked at: from the text's first character, greedily.

    Parameters
    ----------
    timeline : Timeline
    """

    LONGEST, KEPT = 60, 40  # characters; texts of earlier updates

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._written: dict[int, str] = {}

    def now(self) -> str | None:
        """The text at this update; None if the outputs aren't finite."""
        timeline, reading = self._timeline, self._timeline.rows.reading
        if timeline.at not in self._written:
            start = reading.text[0]
            try:
                steps = write(timeline.network, reading.letters, start, min(self.LONGEST, len(reading.text)) - 1)
            except InputError:
                return None
            self._written[timeline.at] = start + "".join(step.letter for step in steps)
            if len(self._written) > 4 * self.KEPT:
                kept = {update for update, _ in self._changes()}
                self._written = {u: text for u, text in self._written.items() if u in kept or u == timeline.at}
        return self._written[timeline.at]

    def take_over(self, before: Writing, until: int) -> None:
        """What was written before an update, at which something was changed by hand, still holds."""
        self._written = {update: text for update, text in before._written.items() if update < until}

    def told(self) -> dict[str, Any]:
        """As a frame has it: `now`, and `log`, the updates up to here at which it wrote something else than before."""
        return {"now": self.now(), "log": [[update, text] for update, text in self._changes()]}

    def _changes(self) -> list[tuple[int, str]]:
        changes: list[tuple[int, str]] = []
        for update in sorted(u for u in self._written if u <= self._timeline.at):
            if not changes or self._written[update] != changes[-1][1]:
                changes.append((update, self._written[update]))
        while len(changes) > self.KEPT:
            del changes[1 : len(changes) - 1 : 2]  # first and last stay
        return changes


def say(session: Any, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`say`: go on with what someone typed."""
    side = session.side(message.get("side") or "a")
    reading = side.timeline.rows.reading
    if reading is None:
        raise InputError(NO_TEXT.say())
    start, temperature = composed(message["start"]), message.get("temperature") or 0.0
    steps = write(
        side.timeline.network, reading.letters, start, message.get("characters") or USUAL, temperature,
        message.get("seed") or 0,
    )  # fmt: skip
    told = {
        "type": "said",
        "text": start + "".join(step.letter for step in steps),
        "start": len(start),
        "update": side.timeline.at,
        "steps": [
            {"letter": step.letter, "chance": step.chance, "likeliest": [list(pair) for pair in step.likeliest]}
            for step in steps
        ],
    }
    return [Reply(told)]
