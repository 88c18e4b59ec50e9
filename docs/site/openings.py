"""Where each lesson begins in the studio: its data and network, as a link to the page, or as a command."""

from __future__ import annotations

import html
import json
import shlex
from typing import Any

from backlit.languages import Template
from backlit.studio.sharing import link_of
from backlit.studio.state import State

TANH = [{"units": 4}, {"units": 4}]
NOTES = {"data": {"name": "W2"}, "network": {"layers": [{"units": 2, "activation": "sigmoid"}]}}
OPENINGS: dict[str, dict[str, Any]] = {
    "neurons": {"data": {"name": "gaussians"}, "network": {"layers": []}},
    "linear": {"data": {"name": "xor"}, "network": {"layers": [{"units": 4, "activation": "identity"}]}},
    "backprop": NOTES,
    "by-hand": NOTES,
    "numpy-loop": {"data": {"name": "digits"}, "network": {"layers": [{"units": 16, "activation": "sigmoid"}]}},
    "losses": {"data": {"name": "gaussians", "groups": 4}, "network": {"layers": [{"units": 6}]}},
    "activations": {"data": {"name": "circles"}, "network": {"layers": [{"units": 4, "activation": "relu"}] * 2}},
    "initialisation": {"data": {"name": "spiral"}, "network": {"layers": TANH, "initializer": "zeros"}},
    "optimizers": {"data": {"name": "moons"}, "training": {"optimizer": "momentum", "rate": 0.1}},
    "generalisation": {
        "data": {"name": "moons", "rows": 60, "noise": 0.35},
        "network": {"layers": [{"units": 32}, {"units": 32}]},
    },
    "doctor": {"data": {"name": "spiral"}, "training": {"rate": 3.0}},
    "sequences": {"data": {"name": "hello"}, "network": {"layers": [{"units": 5, "kind": "lstm"}]}},
    "images": {"data": {"name": "digits"}, "network": {"word": "cnn:8"}},
}
OPEN = Template("Open in the studio", "스튜디오에서 열기")
COMMAND = Template(
    "In the studio, this lesson's data and network: `{command}`",
    "이 레슨의 데이터와 신경망을 스튜디오에서 열려면: `{command}`",
)
HERE = Template("Try it here: this lesson's data and network", "여기서 해 보기: 이 레슨의 데이터와 신경망")
FIRST = Template(
    "Python is loaded once, about 20 MB; nothing leaves this browser.",
    "처음에 파이썬을 20 MB쯤 내려받습니다. 이 브라우저 밖으로 나가는 것은 없습니다.",
)


def link_to(lesson: str) -> str:
    """A lesson's state, as the part of the studio's address after #; "" if it has none."""
    return link_of(State.from_dict(OPENINGS[lesson])) if lesson in OPENINGS else ""


def button(lesson: str, lang: str, place: str) -> str:
    """A link into the studio's page at `place`; "" if the lesson has no state, or the site no such page."""
    link = link_to(lesson)
    return f"[{OPEN.of().within(lang)}]({place}/index.html#{link})" if link and place else ""


def block(lesson: str, lang: str, place: str) -> str:
    """The studio on the lesson's page, loaded when it is opened; where it can't run, the command that opens it."""
    link = link_to(lesson)
    if not link:
        return ""
    if not place:
        state = json.dumps(OPENINGS[lesson], ensure_ascii=False)  # as a reader can read it
        return COMMAND.of(command=f"backlit studio --state {shlex.quote(state)}").within(lang)
    title, first = html.escape(HERE.of().within(lang)), html.escape(FIRST.of().within(lang))
    frame = f'<iframe loading="lazy" title="{title}" src="{html.escape(place)}/index.html#{link}"></iframe>'
    return f'<details class="live"><summary>{title}</summary><p>{first}</p>{frame}</details>'
