"""The lessons' exercises in the studio: each a task whose goal the session checks, with a hint and a solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.errors import unknown
from backlit.languages import Template
from backlit.studio.assignment import Assignment, Goal
from backlit.studio.state import Change, LayerState, State
from backlit.studio.words import both


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    Attributes
    ----------
    key, lesson : str
        Its name, and that of the lesson.
    number : int
        Of the lesson.
    title, text, hint, solution : Template
    assignment : Assignment
    solved : State
        That reaches the goal at its update.
    """

    key: str
    lesson: str
    number: int
    title: Template
    text: Template
    hint: Template
    solution: Template
    assignment: Assignment
    solved: State


def _made(
    key: str, lesson: tuple[str, int], start: dict[str, Any], goals: tuple[Goal, ...], texts: tuple[Template, ...],
    solved: dict[str, Any], **limits: Any,
) -> Exercise:  # fmt: skip
    title, text, hint, solution = texts
    begun = State.from_dict(start)
    told = {"title": both(title), "text": both(text), "hint": both(hint)}
    task = Assignment(key=key, goals=goals, start=begun, **told, **limits)
    return Exercise(key, *lesson, title, text, hint, solution, task, begun.changed(_merged(start, solved)))


def _merged(start: dict[str, Any], solved: dict[str, Any]) -> dict[str, Any]:
    """The start's parts with what the solution changes in them."""
    parts = {name: {**start.get(name, {}), **solved.get(name, {})} for name in ("data", "network", "training")}
    return {**parts, "history": solved.get("history", ()), "at": solved.get("at", 0)}


def _layers(*units: int, activation: str = "tanh", dropout: float = 0.0) -> dict[str, Any]:
    return {"layers": [LayerState(count, activation, dropout).to_dict() for count in units]}


def _by_hand(*edits: tuple[str, float]) -> list[dict[str, Any]]:
    return [Change(0, "edit", value=value, place=place).to_dict() for place, value in edits]


EXERCISES: dict[str, Exercise] = {
    each.key: each
    for each in (
        _made(
            "line by hand", ("neurons", 1),
            {"data": {"name": "gaussians", "rows": 120, "groups": 2},
             "network": {"layers": [], "initializer": "zeros"}, "training": {"held": 0.0}},
            (Goal("accuracy", least=0.95), Goal("updates", most=0)),
            (
                Template("A line by hand", "손으로 긋는 직선"),
                Template("Two groups of points, and two units that add up weighted inputs; all weights are 0. Set weights and "
                         "biases by hand, without any training, until 95 % of the points are right. Click a line or a unit of "
                         "the network, then Set.",
                         "점이 두 무리 있고, 입력을 가중합하는 유닛이 둘 있습니다. 가중치는 모두 0입니다. 학습하지 말고 가중치와 편향을 "
                         "직접 정해서 점의 95 % 이상을 맞혀 보세요. 신경망의 선이나 유닛을 누른 다음 값을 넣고 ‘적용’을 누릅니다."),
                Template("The unit with the larger value wins. Where are the groups? A positive weight from x₁ makes a unit win on "
                         "the right, a positive weight from x₂ at the top; the bias moves the line.",
                         "값이 더 큰 유닛의 클래스가 답이 됩니다. 두 무리는 어디에 있나요? x₁에서 오는 가중치가 양수면 그 유닛은 오른쪽에서, "
                         "x₂에서 오는 가중치가 양수면 위쪽에서 이깁니다. 편향은 직선을 옮깁니다."),
                Template("One weight is enough: from x₁ to the unit of the group on the right, positive.",
                         "가중치 하나면 됩니다. x₁에서 오른쪽 무리의 유닛으로 가는 가중치를 양수로 둡니다."),
            ),
            {"history": _by_hand(("0/weight[0,0]", 1.0))},
            may=("weights",), most_updates=0,
        ),
        _made(
            "xor", ("linear", 2),
            {"data": {"name": "xor"}, "network": {"layers": []}},
            (Goal("held accuracy", least=0.95), Goal("units", most=4)),
            (
                Template("XOR needs a hidden layer", "XOR에는 은닉층이 필요하다"),
                Template("The network has no hidden layer. Play: what is the best that it reaches? Change its layers until at "
                         "least 95 % of the held-back rows are right, with 4 hidden units at most.",
                         "은닉층이 없는 신경망입니다. 재생해 보세요. 얼마나 맞히나요? 층을 바꾸어 검증 데이터의 95 % 이상을 맞혀 보세요. "
                         "은닉 유닛은 4개까지 쓸 수 있습니다."),
                Template("Without a hidden layer the boundary is a straight line. Add one with + beside the network; its units "
                         "must bend: not identity.",
                         "은닉층이 없으면 경계는 직선입니다. 신경망 옆의 +로 은닉층을 더하세요. 유닛에는 꺾임이 있어야 하니 identity는 안 됩니다."),
                Template("One hidden layer of 4 units with tanh, some 300 updates.",
                         "tanh 유닛 4개인 은닉층 하나로 갱신 300번쯤이면 됩니다."),
            ),
            {"network": _layers(4), "at": 400},
            may=("layers", "units", "activation", "rate"), most_units=4,
        ),
        _made(
            "few weights", ("linear", 2),
            {"data": {"name": "circles"}, "network": _layers(16, 16)},
            (Goal("held accuracy", least=0.95), Goal("weights", most=22)),
            (
                Template("A ring with few weights", "적은 가중치로 고리를"),
                Template("This network learns the ring easily, with more than 300 weights. How few will do? Reach 95 % of the "
                         "held-back rows with at most 22 weights and biases.",
                         "이 신경망은 고리를 쉽게 배우지만 가중치가 300개가 넘습니다. 얼마나 줄일 수 있을까요? 가중치와 편향을 22개 이하로 쓰면서 "
                         "검증 데이터의 95 % 이상을 맞혀 보세요."),
                Template("A closed curve needs three lines. A layer of n units after two inputs has 3n numbers, the output after "
                         "it 2(n + 1).",
                         "닫힌 곡선에는 직선이 세 개 필요합니다. 입력이 둘이면 유닛 n개인 층에 수가 3n개, 그 뒤의 출력층에 2(n + 1)개 있습니다."),
                Template("One hidden layer of 4 units: 12 numbers, and 10 for the output. With tanh, some 500 updates.",
                         "유닛 4개인 은닉층 하나면 12개, 출력층에 10개입니다. tanh로 갱신 500번쯤이면 됩니다."),
            ),
            {"network": _layers(4), "at": 600},
            may=("layers", "units", "activation", "rate"),
        ),
        _made(
            "by hand rate", ("by-hand", 5),
            {"data": {"name": "W2"},
             "network": {**_layers(2, activation="sigmoid"), "output": "sigmoid", "bias": False,
                         "weights": {"0/weight": [[0.3, 0.25], [0.4, 0.35]], "2/weight": [[0.45, 0.4], [0.7, 0.6]]}},
             "training": {"optimizer": "sgd", "rate": 0.5, "batch": 0, "held": 0.0, "loss": "mean_squared_error",
                          "dtype": "float64"}},
            (Goal("loss", most=1e-10), Goal("updates", most=40)),
            (
                Template("The network by hand, faster", "손으로 계산한 신경망을 더 빨리"),
                Template("The 2-2-2 network of the lesson, with learning rate 0.5. Find a rate with which its loss is below "
                         "10⁻¹⁰ after at most 40 updates.",
                         "레슨에 나온 2-2-2 신경망이고 학습률은 0.5입니다. 40번 이내의 갱신으로 손실이 10⁻¹⁰보다 작아지는 학습률을 찾아보세요."),
                Template("Set the rate at update 0: the list goes up to 10. Too high a rate would jump over the minimum; is that so "
                         "here?",
                         "0번째 갱신에서 학습률을 바꾸세요. 목록에는 10까지 있습니다. 너무 높으면 최솟값을 뛰어넘습니다. 여기서도 그런가요?"),
                Template("The slopes are small here, so that a rate of 10 is right.",
                         "여기서는 기울기가 작아서 학습률 10이 알맞습니다."),
            ),
            {"training": {"rate": 10.0}, "at": 40},
            may=("rate",), most_updates=40,
        ),
        _made(
            "dead units", ("activations", 8),
            {"data": {"name": "circles"}, "network": {**_layers(8, 8, activation="relu"), "initializer": "normal:8"},
             "training": {"optimizer": "sgd", "rate": 1.0}},
            (Goal("held accuracy", least=0.95), Goal("dead units", most=0.0)),
            (
                Template("Wake the dead", "죽은 유닛 살리기"),
                Template("After a few updates many of these ReLU units say 0 for every row: they are dead, and nothing they do "
                         "can bring them back. Find a start and a rate with which none dies, and 95 % of the held-back rows are "
                         "right.",
                         "갱신을 몇 번 하면 ReLU 유닛 가운데 여럿이 모든 데이터에서 0이 됩니다. 죽은 유닛은 스스로 되살아나지 못합니다. 하나도 죽지 "
                         "않으면서 검증 데이터의 95 % 이상을 맞히는 초기화와 학습률, 활성화 함수를 찾아보세요."),
                Template("Look at Inside: which layer is dead, from which update on? Large weights and large steps push units "
                         "where ReLU is flat. A leaky ReLU has a slope there.",
                         "‘내부’를 보세요. 어느 층이 몇 번째 갱신부터 죽나요? 큰 가중치와 큰 갱신은 유닛을 ReLU가 평평한 쪽으로 밀어냅니다. "
                         "leaky ReLU는 그쪽에도 기울기가 있습니다."),
                Template("The usual initialisation, leaky_relu and a rate of 0.1.", "보통의 초기화와 leaky_relu, 학습률 0.1."),
            ),
            {"network": {**_layers(8, 8, activation="leaky_relu"), "initializer": ""}, "training": {"rate": 0.1}, "at": 600},
            may=("activation", "initializer", "rate"),
        ),
        _made(
            "vanishing gradients", ("activations", 8),
            {"data": {"name": "moons"}, "network": {**_layers(*[8] * 6, activation="sigmoid"), "initializer": "normal:0.5"},
             "training": {"optimizer": "sgd", "rate": 0.3}},
            (Goal("gradient", least=0.1), Goal("held accuracy", least=0.9)),
            (
                Template("A gradient that arrives", "끝까지 닿는 기울기"),
                Template("Six hidden layers with sigmoid: hardly any gradient reaches the first one. Without fewer layers, bring at "
                         "least a tenth of the last layer's gradient to the first, and 90 % of the held-back rows right.",
                         "시그모이드 은닉층이 여섯입니다. 첫 층에는 기울기가 거의 닿지 않습니다. 층 수는 그대로 두고, 첫 층의 기울기가 마지막 층의 "
                         "10분의 1 이상이 되게 하면서 검증 데이터의 90 % 이상을 맞혀 보세요."),
                Template("A sigmoid's slope is at most 1/4: six of them multiply to 1/4096. Whose slope is 1 in the middle?",
                         "시그모이드의 기울기는 아무리 커도 1/4이고, 여섯 번 곱하면 1/4096입니다. 가운데에서 기울기가 1인 함수는 무엇인가요?"),
                Template("tanh in each layer, and the initialisation that suits it: the usual one.",
                         "모든 층에 tanh를 쓰고, 거기에 맞는 보통의 초기화를 고릅니다."),
            ),
            {"network": {**_layers(*[8] * 6), "initializer": ""}, "training": {"rate": 0.3}, "at": 400},
            may=("activation", "initializer", "rate"),
        ),
        _made(
            "all alike", ("initialisation", 9),
            {"data": {"name": "moons"}, "network": {**_layers(8, 8), "initializer": "zeros"}},
            (Goal("held accuracy", least=0.95),),
            (
                Template("All weights zero", "가중치가 모두 0일 때"),
                Template("All weights start at 0. Look at the gradients of the first updates, then choose another start with "
                         "which 95 % of the held-back rows are right.",
                         "모든 가중치가 0에서 시작합니다. 처음 몇 번의 갱신에서 기울기를 살펴본 다음, 검증 데이터의 95 % 이상을 맞히는 다른 초기화를 "
                         "골라 보세요."),
                Template("Click a weight: what is its gradient, and that of its neighbour? Units that begin alike stay alike.",
                         "가중치를 눌러 보세요. 기울기가 얼마인가요? 옆의 가중치는요? 똑같이 시작한 유닛은 계속 똑같습니다."),
                Template("Any random start that isn't too large: the usual one, say.",
                         "너무 크지 않은 무작위 초기화면 됩니다. 보통의 초기화가 그렇습니다."),
            ),
            {"network": {"initializer": ""}, "at": 400},
            may=("initializer",),
        ),
        _made(
            "rate too high", ("optimizers", 10),
            {"data": {"name": "moons"}, "network": _layers(8, 8), "training": {"optimizer": "sgd", "rate": 10.0}},
            (Goal("held loss", most=0.1), Goal("updates", most=400)),
            (
                Template("A rate that is too high", "너무 높은 학습률"),
                Template("With a rate of 10 the loss jumps up and down. Find a rate with which the loss of the held-back rows "
                         "is at most 0.1 after no more than 400 updates.",
                         "학습률이 10이면 손실이 오르내리기만 합니다. 갱신 400번 안에 검증 손실이 0.1 이하가 되는 학습률을 찾아보세요."),
                Template("Take a tenth, then a hundredth, and compare the curves. Too low is wrong, too: then 400 updates aren't "
                         "enough.",
                         "10분의 1, 100분의 1로 낮추며 곡선을 견주어 보세요. 너무 낮아도 안 됩니다. 400번으로는 모자랍니다."),
                Template("A rate of 1.", "학습률 1."),
            ),
            {"training": {"rate": 1.0}, "at": 400},
            may=("rate",), most_updates=400,
        ),
        _made(
            "stop in time", ("generalisation", 11),
            {"data": {"name": "moons", "rows": 60, "noise": 0.35}, "network": _layers(32, 32),
             "training": {"held": 0.5, "rate": 0.03}},
            (Goal("held loss", most=0.26),),
            (
                Template("Stop in time", "제때 멈추기"),
                Template("Thirty noisy rows to learn from, and a large network. Train for 500 updates and watch both curves. Then go "
                         "back in time to where the held-back rows are said best. You can't change anything but time.",
                         "학습 데이터는 잡음 섞인 30행뿐이고 신경망은 큽니다. 500번 갱신하면서 두 곡선을 보세요. 그런 다음 검증 데이터를 가장 잘 "
                         "맞히던 때로 돌아가세요. 시간 말고는 아무것도 바꿀 수 없습니다."),
                Template("The held-back curve falls, then rises. Click on its lowest point, or drag the slider there.",
                         "검증 곡선은 내려갔다가 다시 올라갑니다. 가장 낮은 점을 누르거나 슬라이더를 그리로 옮기세요."),
                Template("The lowest point of the held-back curve; after it the network learns the noise.",
                         "검증 곡선의 가장 낮은 점입니다. 그 뒤로는 잡음을 외웁니다."),
            ),
            {"at": 20},
            may=(), most_updates=2000,
        ),
        _made(
            "regularise", ("generalisation", 11),
            {"data": {"name": "moons", "rows": 100, "noise": 0.35}, "network": _layers(32, 32),
             "training": {"held": 0.5, "rate": 0.03}},
            (Goal("gap", most=0.06), Goal("held accuracy", least=0.86), Goal("updates", least=300)),
            (
                Template("Against learning by heart", "외우지 못하게 하기"),
                Template("This network learns its fifty rows by heart: they are all right, the held-back ones aren't. Bring both "
                         "within 6 %, with at least 86 % of the held-back rows right, after 300 updates or more.",
                         "이 신경망은 학습 데이터 50행을 외워 버립니다. 그것은 다 맞히지만 검증 데이터는 그렇지 않습니다. 300번 이상 갱신한 뒤에도 "
                         "두 정답률의 차이가 6 % 이내이고 검증 데이터의 86 % 이상을 맞히게 해 보세요."),
                Template("A penalty on the weights keeps the boundary smooth; dropout does, too; so do fewer units.",
                         "가중치에 벌점을 주면 경계가 매끄러워집니다. 드롭아웃도, 유닛을 줄이는 것도 그렇습니다."),
                Template("The penalty l2 with strength 0.01.", "세기 0.01의 l2 벌점."),
            ),
            {"training": {"penalty": "l2", "strength": 0.01}, "at": 300},
            may=("layers", "units", "dropout", "penalty"),
        ),
    )
}  # fmt: skip


def named(key: str) -> Exercise:
    """An exercise by its key.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists them.
    """
    if key not in EXERCISES:
        raise unknown("exercise of the studio", key, EXERCISES)
    return EXERCISES[key]


def listed() -> list[dict[str, Any]]:
    """All of them, as `catalog` tells them."""
    return [
        {"key": each.key, "lesson": each.lesson, "number": each.number, "title": both(each.title), "text": both(each.text)}
        for each in EXERCISES.values()
    ]
