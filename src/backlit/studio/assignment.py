"""What a teacher sets: a state to begin with, what is to be reached, and what may be changed for it.

The session holds both: whatever the page sends, a state that isn't allowed isn't built, and whether the goal is reached
is measured on the network itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from backlit.errors import InputError, shown, unknown
from backlit.languages import NAMES, Message, Said, Template, join
from backlit.schema import fitted
from backlit.settings import Form, Record, option, plain
from backlit.studio.state import MOST_LAYERS, MOST_UPDATES, MOST_WEIGHTS, State
from backlit.studio.words import Both, both

AS_GIVEN = Form(plain, lambda value: value)
MOST_TEXT, MOST_GOALS = 2000, 6


class Quantity(NamedTuple):
    """Something that a goal is about: its name for people, and how its numbers are written."""

    title: Template
    form: str = ".4g"


class Part(NamedTuple):
    """A part of the state that may be changed, or not: its name for people, and what it is of a state."""

    title: Template
    of: Callable[[State], Any]


QUANTITIES: dict[str, Quantity] = {
    "held accuracy": Quantity(Template("held-back rows that are right", "떼어 둔 행의 정확도"), ".1%"),
    "accuracy": Quantity(Template("training rows that are right", "학습 행의 정확도"), ".1%"),
    "gap": Quantity(Template("training rows right, less those held back", "정확도의 차이(학습 − 떼어 둔 행)"), ".1%"),
    "held loss": Quantity(Template("loss of the held-back rows", "떼어 둔 행의 손실")),
    "loss": Quantity(Template("loss of all training rows", "학습 행 전체의 손실")),
    "weights": Quantity(Template("weights and biases", "가중치와 편향 수"), ",.0f"),
    "units": Quantity(Template("hidden units", "은닉 유닛 수"), ",.0f"),
    "layers": Quantity(Template("hidden layers", "은닉층 수"), ",.0f"),
    "updates": Quantity(Template("updates", "갱신 수"), ",.0f"),
    "dead units": Quantity(Template("hidden units that are dead", "죽은 은닉 유닛의 비율"), ".1%"),
    "gradient": Quantity(
        Template("first layer's gradient by the last one's", "마지막 층에 대한 첫 층의 기울기 비율"), ".2g"
    ),
    "largest weight": Quantity(Template("largest weight", "가장 큰 가중치의 크기"), ".3g"),
}  # fmt: skip


def _layers(state: State) -> Any:
    network = state.network
    kinds = tuple(layer.kind for layer in network.layers)
    return kinds, network.word, network.architecture, network.of_run, network.bias, network.output


def _each(name: str) -> Callable[[State], Any]:
    """What a setting is in the hidden layers, whatever their number; of a network that is said in a word, all of it."""

    def found(state: State) -> frozenset[Any]:
        network = state.network
        if network.of_run or network.architecture is not None or network.word:
            bent = network.activation if name == "activation" else ""
            return frozenset([(network.of_run, network.word, repr(network.architecture), bent)])
        return frozenset(getattr(layer, name) for layer in network.layers)

    return found


def _changes(*kinds: str) -> Callable[[State], Any]:
    return lambda state: tuple(change for change in state.history if change.do in kinds)


PARTS: dict[str, Part] = {
    "data": Part(Template("data", "데이터"), lambda state: state.data),
    "layers": Part(Template("layers", "층"), _layers),
    "units": Part(Template("units of a layer", "층의 유닛 수"), _each("units")),
    "activation": Part(Template("activation function", "활성화 함수"), _each("activation")),
    "dropout": Part(Template("dropout", "드롭아웃"), _each("dropout")),
    "initializer": Part(Template("initialisation", "초기화"), lambda state: state.network.initializer),
    "weights": Part(
        Template("single weights by hand", "가중치 직접 수정"),
        lambda state: (_changes("edit", "freeze")(state), repr(state.network.weights)),
    ),
    "optimizer": Part(Template("optimizer", "옵티마이저"), lambda state: state.training.optimizer),
    "rate": Part(Template("learning rate", "학습률"), lambda state: (state.training.rate, _changes("rate")(state))),
    "batch": Part(Template("batch", "배치"), lambda state: state.training.batch),
    "penalty": Part(Template("penalty", "벌점"), lambda state: (state.training.penalty, state.training.strength)),
    "loss": Part(Template("loss", "손실"), lambda state: state.training.loss),
    "held": Part(Template("share held back", "떼어 둔 몫"), lambda state: state.training.held),
    "seed": Part(Template("seed", "시드"), lambda state: state.training.seed),
}  # fmt: skip

KEEPS = Template(
    "this task keeps the {what} as it is; you may change: {may}",
    "이 과제에서는 {what}{을/를} 바꿀 수 없습니다. 바꿀 수 있는 것: {may}",
)
NOTHING = Template("nothing, but time", "시간만")
TOO_MANY = Template("this task allows at most {most:,} {what}; that would be {count:,}",
                    "이 과제에서 {what}의 한도는 {most:,}입니다. 그런데 {count:,}{을/를} 쓰려고 합니다.")  # fmt: skip
LEAST = Template("{what}: at least {value}", "{what}: {value} 이상")
MOST = Template("{what}: at most {value}", "{what}: {value} 이하")


@dataclass(frozen=True, repr=False)
class Goal(Record):
    """One thing that is to be reached.

    Parameters
    ----------
    of : str
        A name of `QUANTITIES`.
    least, most : float or None
        What it must be; shares from 0 to 1.

    Examples
    --------
    >>> goal = Goal("held accuracy", least=0.95)
    >>> goal.words().within("en"), goal.met(0.96), goal.met(None)
    ('held-back rows that are right: at least 95.0%', True, False)
    """

    of: str = option("held accuracy", names=tuple(QUANTITIES))
    least: float | None = option(None, low=-1e12, high=1e12)
    most: float | None = option(None, low=-1e12, high=1e12)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.least is None) == (self.most is None):
            raise InputError(f"goal: {self.of!r} needs either least or most, a number")

    def _title(self) -> str:
        return "goal: "

    def words(self) -> Message:
        """What is to be reached, in words."""
        bound, template = (self.most, MOST) if self.least is None else (self.least, LEAST)
        return template.of(what=QUANTITIES[self.of].title.of(), value=written(self.of, bound))

    def met(self, value: float | None) -> bool:
        """Whether a value is as it must be; what isn't known, isn't."""
        if value is None:
            return False
        return value >= self.least if self.least is not None else self.most is not None and value <= self.most


def written(of: str, value: float | None) -> str:
    """A quantity's number as people read it."""
    return "–" if value is None else format(value, QUANTITIES[of].form)


def goal_of(text: str) -> Goal:
    """A goal from a command: "held accuracy >= 95%".

    Raises
    ------
    InputError
        If it can't be read.

    Examples
    --------
    >>> goal_of("weights <= 12") == Goal("weights", most=12)
    True
    """
    for sign, side in ((">=", "least"), ("<=", "most")):
        name, found, number = text.partition(sign)
        if not found:
            continue
        number, percent = number.strip().rstrip("%"), number.strip().endswith("%")
        try:
            value = float(number) / (100 if percent else 1)
        except ValueError:
            break
        name = " ".join(name.replace("_", " ").split())
        if name not in QUANTITIES:
            raise unknown("quantity of a goal", name, QUANTITIES)
        return Goal.from_dict({"of": name, side: value})
    raise InputError(f'a goal is written as "held accuracy >= 95%" or "weights <= 12", got {shown(text)}')


@dataclass(frozen=True, repr=False)
class Assignment(Record):
    """A task.

    Parameters
    ----------
    key : str
        Of an exercise that the studio has; "" for a teacher's own.
    title, text, hint : str or {"en": str, "ko": str}
        What pupils read.
    goals : tuple of Goal
    may : tuple of str or None
        Names of `PARTS` that may be changed; None: all.
    most_units, most_layers, most_weights, most_updates : int or None
        The most of each: hidden units of all layers together, hidden layers, weights and biases, updates.
    start : State
        What it begins with.

    Examples
    --------
    >>> task = Assignment.from_dict({"goals": [{"of": "weights", "most": 12}], "may": ["units"]})
    >>> task.may, task.goals[0].most
    (('units',), 12.0)
    """

    key: str = option("")
    title: Any = option("", form=AS_GIVEN)
    text: Any = option("", form=AS_GIVEN)
    hint: Any = option("", form=AS_GIVEN)
    goals: tuple[Goal, ...] = option((), form=AS_GIVEN)
    may: tuple[str, ...] | None = option(None, form=AS_GIVEN)
    most_units: int | None = option(None, low=0, high=MOST_WEIGHTS, whole=True)
    most_layers: int | None = option(None, low=0, high=MOST_LAYERS, whole=True)
    most_weights: int | None = option(None, low=1, high=MOST_WEIGHTS, whole=True)
    most_updates: int | None = option(None, low=0, high=MOST_UPDATES, whole=True)
    start: Any = option(State(), form=AS_GIVEN)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("title", "text", "hint"):
            object.__setattr__(self, name, _text(name, getattr(self, name)))
        goals = tuple(
            goal if isinstance(goal, Goal) else Goal.from_dict(fitted(dict[str, Any], goal, "goals"))
            for goal in fitted(tuple[Any, ...], self.goals, "goals")
        )
        if len(goals) > MOST_GOALS:
            raise InputError(f"task: at most {MOST_GOALS} goals, got {len(goals)}")
        object.__setattr__(self, "goals", goals)
        if self.may is not None:
            may = fitted(tuple[str, ...], self.may, "may")
            for name in may:
                if name not in PARTS:
                    raise unknown("part that may be changed", name, PARTS)
            object.__setattr__(self, "may", tuple(name for name in PARTS if name in may))
        if not isinstance(self.start, State):
            object.__setattr__(self, "start", State.from_dict(fitted(dict[str, Any], self.start, "start")))
        if self.start.data.name == "file":
            raise InputError(NO_FILE.say())

    def _title(self) -> str:
        return "task: "

    @property
    def allowed(self) -> tuple[str, ...]:
        """Names of what may be changed."""
        return tuple(PARTS) if self.may is None else self.may

    @property
    def bounds(self) -> dict[str, int]:
        """The most of each quantity that has one."""
        found = {"units": self.most_units, "layers": self.most_layers, "weights": self.most_weights,
                 "updates": self.most_updates}  # fmt: skip
        return {name: most for name, most in found.items() if most is not None}

    def require(self, state: State, counts: Mapping[str, int]) -> None:
        """Refuse a state that this task doesn't allow.

        Parameters
        ----------
        state : State
        counts : mapping of str to int
            Units, layers and weights of the network that it builds.

        Raises
        ------
        InputError
            Which says, in each language, what is to stay or what is too many.
        """
        for name, part in PARTS.items():
            if name not in self.allowed and not _same(part.of(state), part.of(self.start)):
                raise InputError(KEEPS.say(what=part.title.of(), may=self.may_words()))
        for name, count in counts.items():
            most = self.bounds.get(name)
            if most is not None and count > most:
                raise InputError(TOO_MANY.say(most=most, count=count, what=QUANTITIES[name].title.of()))

    def may_words(self) -> Said:
        """What may be changed, in words."""
        titles = [PARTS[name].title.say() for name in self.allowed]
        return join(", ", titles) if titles else NOTHING.say()

    def _limits(self) -> list[Goal]:
        """The bounds, said as goals are."""
        return [Goal(of=name, most=float(most)) for name, most in self.bounds.items()]

    def told(self, bound: bool, solved: bool) -> dict[str, Any]:
        """As `state` tells it."""
        return {
            "key": self.key,
            "title": self.title,
            "text": self.text,
            "hint": bool(any(self.hint.values())),
            "goals": [both(goal.words()) for goal in self.goals],
            "may": list(self.allowed),
            "may_words": both(self.may_words()),
            "bounds": [both(goal.words()) for goal in self._limits() if goal not in self.goals],
            "bound": bound,
            "solved": solved,
            "task": self.to_link(),
        }

    def to_link(self, state: State | None = None) -> dict[str, Any]:
        """As a link holds it, beside a state, or without one: an exercise of the studio's by its key alone."""
        if self.key:
            return {"key": self.key}
        told = {name: value for name, value in self.to_dict().items() if value not in ("", None, (), [], False)}
        told.pop("start", None)
        told["goals"] = [
            {name: part for name, part in goal.to_dict().items() if part is not None} for goal in self.goals
        ]
        if self.may is not None:
            told["may"] = list(self.may)
        start = self.start.to_dict()
        return told if state is not None and state.to_dict() == start else {**told, "start": start}


NO_FILE = Template(
    "a task needs data that its link can hold: a generated set, or points drawn by hand; a file's can't be in it",
    "과제의 데이터는 링크에 담길 수 있어야 합니다. 생성한 데이터나 직접 그린 점을 쓰세요. 파일은 담을 수 없습니다.",
)


def _same(now: Any, start: Any) -> bool:
    """Whether a part is as it was; of layers' settings, whether there is none that wasn't there."""
    if isinstance(now, frozenset):
        return not start or now <= start
    return bool(now == start)


def _text(name: str, given: Any) -> Both:
    """A text in each language, given as one string or as one for each."""
    if isinstance(given, str):
        given = dict.fromkeys(NAMES, given)
    if (
        not isinstance(given, Mapping)
        or set(given) != set(NAMES)
        or not all(isinstance(t, str) for t in given.values())
    ):
        raise InputError(f"task: {name} must be a text, or one for each of {', '.join(NAMES)}, got {shown(given)}")
    if any(len(text) > MOST_TEXT for text in given.values()):
        raise InputError(f"task: {name} has more than {MOST_TEXT} characters")
    return dict(given)
