"""Two networks side by side with one difference; remedies tried so; faults planted and guessed."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.languages import Said, Template, join
from backlit.studio import faults
from backlit.studio.replies import Reply
from backlit.studio.session import NO_SECOND, Session
from backlit.studio.state import Change, State
from backlit.studio.words import both

DIFFERENCE = Template("{name}: {before} → {after}", "{name}: {before} → {after}")
NAMES = {  # of the parts of a state
    "layers": Template("layers", "층"),
    "word": Template("network", "신경망"),
    "architecture": Template("architecture", "구조"),
    "of_run": Template("the run's network", "실행 결과의 신경망"),
    "initializer": Template("initialiser", "초기화"),
    "bias": Template("biases", "편향"),
    "activation": Template("activation", "활성화 함수"),
    "output": Template("after the last layer", "마지막 층 뒤"),
    "weights": Template("weights at the start", "초기 가중치"),
    "optimizer": Template("optimizer", "옵티마이저"),
    "rate": Template("learning rate", "학습률"),
    "batch": Template("batch", "배치"),
    "penalty": Template("penalty", "벌점"),
    "strength": Template("strength of the penalty", "벌점의 세기"),
    "loss": Template("loss", "손실"),
    "held": Template("share held back", "검증용 비율"),
    "seed": Template("seed", "시드"),
    "engine": Template("engine", "엔진"),
    "dtype": Template("number type", "수 자료형"),
}
BY_HAND = {
    "rate": Template("learning rate {value:g} from update {at}", "{at}번째 갱신부터 학습률 {value:g}"),
    "edit": Template("{place} = {value:g} after update {at}", "{at}번째 갱신 뒤 {place} = {value:g}"),
    "freeze": Template(
        "unit {unit} of layer {layer} held from update {at}", "{at}번째 갱신부터 {layer}번 층의 유닛 {unit} 고정"
    ),
    "let go": Template(
        "unit {unit} of layer {layer} let go from update {at}", "{at}번째 갱신부터 {layer}번 층의 유닛 {unit} 고정 해제"
    ),
}
ONLY = {
    "a": Template("the first alone: {what}", "첫 번째만: {what}"),
    "b": Template("the second alone: {what}", "두 번째만: {what}"),
}
AGAIN = Template("faults are planted where there is no task; lay it aside first",
                 "문제를 심는 놀이는 과제가 없을 때 할 수 있습니다. 먼저 과제를 그만두세요.")  # fmt: skip
RIGHT = Template("That is it: {title}; {why}.", "맞습니다. {title}. {why}")
WRONG = Template("That isn't it. Look again.", "그것이 아닙니다. 다시 살펴보세요.")

Arrays = dict[str, np.ndarray]


def compare(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`compare`: a second network, trained to where the first one is."""
    change = message["change"]
    if not change:
        session.second, session.version = None, session.version + 1
        return [session.told()]
    begin(session, change)
    return [session.told()]


def begin(session: Session, change: dict[str, Any]) -> None:
    """Put a network with a change beside the first one."""
    first = session.first.timeline
    state = first.state.changed(change).replace(at=0)
    state = state.replace(history=_shared_history(first.state, state))
    if state.data != first.state.data:
        raise InputError("compare: both networks learn from the same data; change network or training")
    different = differences(first.state, state)
    if not different:
        raise InputError("compare: this is the network that is there already; change something")
    side = session.beside(state)
    side.timeline.seek(first.at, lambda: session.interrupted(False))
    session.second, session.difference = side, join("; ", different)
    session.version, session.cut = session.version + 1, 0


def _shared_history(one: State, other: State) -> tuple[Change, ...]:
    """What was changed by hand in the first network, as far as it says something about the second one.

    A rate that is the difference holds from the first update on; weights of other layers are others.
    """
    left = {"rate"} if one.training.rate != other.training.rate else set()
    networks = [(len(state.network.layers), [layer.units for layer in state.network.layers], state.network.word,
                 state.network.architecture, state.network.of_run) for state in (one, other)]  # fmt: skip
    left |= {"edit", "freeze"} if networks[0] != networks[1] else set()
    return tuple(change for change in one.history if change.do not in left)


def change(session: Session, change: Change, side: str | None) -> list[Reply]:
    """`rate`, `edit`, `freeze`: something changed by hand, in one of the networks or in both."""
    session.change(change, side)
    if session.second is not None:
        states = [one.timeline.state for one in session.sides.values()]
        session.difference = join("; ", differences(*states))
    return [session.told()]


def differences(one: State, other: State) -> list[Said]:
    """What differs in network and training, in words: "rate: 0.03 → 0.3"."""
    found = []
    for part in ("network", "training"):
        before, after = getattr(one, part).to_dict(), getattr(other, part).to_dict()
        found += [
            DIFFERENCE.say(name=NAMES[name].of(), before=_word(before[name]), after=_word(after[name]))
            for name in before
            if before[name] != after[name]
        ]
    for name, mine, others in (("a", one, other), ("b", other, one)):
        found += [ONLY[name].say(what=_by_hand(each)) for each in mine.history if each not in others.history]
    return found


def _by_hand(change: Change) -> Said:
    kind = "let go" if change.do == "freeze" and not change.on else change.do
    return BY_HAND[kind].say(**change.to_dict())


def _word(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        kinds = (layer["activation"] if layer["kind"] == "linear" else layer["kind"] for layer in value)
        return "-".join(f"{layer['units']} {kind}" for layer, kind in zip(value, kinds, strict=True))
    if isinstance(value, dict):
        return "…"
    return str(value) if value not in ("", None) else "–"


def keep(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`keep`: the second network takes the first one's place."""
    if session.second is None:
        raise InputError(NO_SECOND.say())
    session.first, session.second = session.second, None
    session.planted = session.honest = None
    session.version, session.cut = session.version + 1, 0
    return [session.told(), session.data()]


def discard(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`discard`: the first network stays."""
    if session.second is None:
        raise InputError(NO_SECOND.say())
    session.second = None
    session.version += 1
    return [session.told()]


def plant(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`break`: a fault that isn't named, from update 0."""
    if session.assignment is not None:
        raise InputError(AGAIN.say())
    honest = session.state.replace(at=0, history=())
    key = faults.chosen(message.get("seed"), honest)
    session.rebuild(faults.FAULTS[key].plant(honest))
    session.planted, session.honest = key, honest
    return [session.told(), session.data()]


def guess(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`guess`: whether that is the fault; if it is, the network without it is there again."""
    if session.planted is None or session.honest is None:
        raise InputError("no fault is planted; begin with break")
    if message["key"] not in faults.FAULTS:
        raise InputError(f"guess: faults are {', '.join(faults.FAULTS)}")
    right = message["key"] == session.planted
    if not right:
        return [Reply({"type": "judged", "right": False, "what": both(WRONG)})]
    fault = faults.FAULTS[session.planted]
    session.rebuild(session.honest)
    what = RIGHT.of(title=fault.title.of(), why=fault.why.of())
    return [Reply({"type": "judged", "right": True, "what": both(what)}), session.told(), session.data()]
