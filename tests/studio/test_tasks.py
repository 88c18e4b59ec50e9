"""Tasks: what they allow and refuse, when they are reached, how they are handed on; the exercises of the lessons."""

import json
import re
import runpy
import shlex
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from backlit.errors import InputError
from backlit.lessons.source import find
from backlit.studio.answers import answer
from backlit.studio.assigning import link_to
from backlit.studio.assignment import PARTS, Assignment, Goal, goal_of
from backlit.studio.checking import check
from backlit.studio.exercises import exercises
from backlit.studio.opening import beginning
from backlit.studio.quota import Quota
from backlit.studio.session import Session
from backlit.studio.sharing import linked
from backlit.studio.state import State

TRAINING = {"batch": 16, "rate": 0.05, "engine": "numpy"}
SMALL = {"data": {"rows": 60}, "network": {"layers": [{"units": 3}]}, "training": TRAINING}
TASK = {
    "title": "Few weights", "text": "As few as you can.", "hint": "Fewer units.",
    "goals": [{"of": "held accuracy", "least": 0.5}, {"of": "weights", "most": 20}],
    "may": ["units", "rate"], "most_units": 4, "most_updates": 40,
}  # fmt: skip


def ask(session: Session, asked: str, /, **parts: object) -> dict[str, object]:
    replies = answer(session, {"type": asked, **parts})
    for reply in replies:
        check(reply.message, "tell")
    return replies[0].message


def refused(session: Session, asked: str, /, lang: str = "en", **parts: object) -> str:
    message = ask(session, asked, **parts)
    assert message["type"] == "error"
    return message["what"][lang]


@pytest.fixture
def session() -> Session:
    session = Session(State.from_dict(SMALL))
    ask(session, "assign", task=TASK, state=SMALL)
    return session


def test_a_task_is_told_in_both_languages(session: Session) -> None:
    told = session.told().message["assignment"]
    assert told["title"] == {"en": "Few weights", "ko": "Few weights"}
    assert [goal["en"] for goal in told["goals"]] == [
        "held-back rows that are right: at least 50.0%",
        "weights and biases: at most 20",
    ]
    assert told["may_words"] == {"en": "units of a layer, learning rate", "ko": "층의 유닛 수, 학습률"}
    assert [bound["en"] for bound in told["bounds"]] == ["hidden units: at most 4", "updates: at most 40"]
    assert (told["hint"], told["bound"], told["solved"]) == (True, False, False)


def test_what_a_task_does_not_allow_is_refused_by_the_session(session: Session) -> None:
    layers = {"layers": [{"units": 4}]}
    assert ask(session, "configure", state={"network": layers})["type"] == "state"
    kept = "this task keeps the {} as it is; you may change: units of a layer, learning rate"
    for part, state in (
        ("data", {"data": {"rows": 80}}),
        ("layers", {"network": {"layers": [{"units": 2}, {"units": 2}]}}),
        ("activation function", {"network": {"layers": [{"units": 3, "activation": "relu"}]}}),
        ("initialisation", {"network": {**layers, "initializer": "zeros"}}),
        ("optimizer", {"training": {**TRAINING, "optimizer": "sgd"}}),
        ("seed", {"training": {**TRAINING, "seed": 3}}),
        ("single weights by hand", {"history": [{"at": 0, "do": "edit", "place": "0/bias[0]", "value": 1}]}),
    ):
        assert refused(session, "configure", state=state) == kept.format(part)
        if "history" not in state and "data" not in state:
            assert refused(session, "compare", change=state) == kept.format(part)  # nor by way of a second network
    assert refused(session, "edit", place="0/bias[0]", value=1.0) == kept.format("single weights by hand")
    assert refused(session, "configure", "ko", state={"data": {"rows": 80}}).startswith(
        "이 과제에서는 데이터를 바꿀 수 없습니다."
    )
    few = "this task allows at most 4 hidden units; that would be 5"
    assert refused(session, "configure", state={"network": {"layers": [{"units": 5}]}}) == few
    assert refused(session, "break").startswith("faults are planted where there is no task")
    assert session.state.network.layers[0].units == 4
    assert ask(session, "rate", value=0.2)["type"] == "state"


def test_a_task_is_begun_anew_where_it_began_whatever_was_changed(session: Session) -> None:
    session.bound = True  # in a class as well
    ask(session, "configure", state={"network": {"layers": [{"units": 2}]}})
    ask(session, "rate", value=0.3)
    ask(session, "step", updates=5)
    ask(session, "assign", again=True)
    assert session.state == State.from_dict(SMALL)
    assert session.bound
    assert refused(Session(State.from_dict(SMALL)), "assign", again=True).startswith("there is no task here")


def test_a_task_is_told_as_it_can_be_assigned_again(session: Session) -> None:
    ask(session, "configure", state={"network": {"layers": [{"units": 2}]}, "at": 7})
    told = ask(session, "seek", update=6) and session.told().message
    other = Session()
    ask(other, "assign", task=json.loads(json.dumps(told["assignment"]["task"])), state=told["state"])
    assert (other.assignment, other.state) == (session.assignment, session.state)
    ask(other, "assign", task={"key": "xor"})
    assert other.told().message["assignment"]["task"] == {"key": "xor"}


def test_bounds_are_those_of_the_network_that_is_built() -> None:
    session = Session(State.from_dict(SMALL))
    task = {"goals": TASK["goals"], "most_units": 20, "most_layers": 2}
    ask(session, "assign", task=task, state=SMALL)
    said = refused(session, "configure", state={"network": {"layers": [{"units": 3}], "word": "mlp:64,64"}})
    assert said == "this task allows at most 20 hidden units; that would be 128"
    said = refused(session, "configure", state={"network": {"word": "mlp:3,3,3"}})
    assert said == "this task allows at most 2 hidden layers; that would be 3"
    assert (
        ask(session, "configure", state={"network": {"word": "mlp:4"}})["type"] == "state"
    )  # of 8 + 8 nothing is built
    assert session.first.counts == {"units": 4, "layers": 1, "weights": 22}


def test_what_a_word_says_is_held_to_what_may_be_changed() -> None:
    session = Session(State.from_dict(SMALL))
    ask(session, "assign", task={"goals": TASK["goals"], "may": ["layers"]}, state=SMALL)
    said = refused(session, "configure", state={"network": {"word": "mlp:3"}})
    assert said == "this task keeps the units of a layer as it is; you may change: layers"
    begun = {**SMALL, "network": {"word": "mlp:3", "activation": "relu"}}
    ask(session, "assign", task={"goals": TASK["goals"], "may": ["rate"]}, state=begun)
    said = refused(session, "configure", state={"network": {"word": "mlp:3", "activation": "tanh"}})
    assert said == "this task keeps the activation function as it is; you may change: learning rate"
    assert ask(session, "configure", state={"training": {**TRAINING, "rate": 0.2}})["type"] == "state"


def test_updates_are_held_to_the_most_there_may_be(session: Session) -> None:
    ask(session, "step", updates=1000)
    assert session.at()["update"] == 40
    for asked in ("step", "play"):
        assert refused(session, asked) == "update 40 is the last one here; go back, or start again"
    ask(session, "seek", update=38)
    ask(session, "play", speed=100)
    session.tick()
    assert (session.at()["update"], session.playing) == (40, False)
    ask(session, "configure", state={"at": 90, "network": {"layers": [{"units": 2}]}})
    assert session.at()["update"] == 40


def test_the_goal_is_measured_on_the_network_itself(session: Session) -> None:
    ask(session, "step", updates=40)
    told = ask(session, "check")
    network = session.first.timeline.network
    held = session.first.timeline.held_rows.astype(bool)
    rows = session.first.timeline.rows
    right = float((np.asarray(network(rows.x[held])).argmax(axis=1) == rows.y[held]).mean())
    assert told["parts"][0]["value"] == f"{right:.1%}"
    assert told["parts"][1] == {
        "text": {"en": "weights and biases: at most 20", "ko": "가중치와 편향 수: 20 이하"}, "value": "17", "met": True,
    }  # fmt: skip
    assert told["met"] == (right >= 0.5)
    assert told["met"]
    assert told["what"]["en"] == "Reached: all that the task asks for."
    ask(session, "seek", update=0)
    assert session.told().message["assignment"]["solved"]  # it was
    ask(session, "configure", state={"network": {"layers": [{"units": 4}]}})
    told = ask(session, "check")
    assert (told["met"], told["what"]["en"]) == (False, "Not yet: 1 of 2 reached.")


def test_each_quantity_is_what_its_name_says() -> None:
    session = Session(State.from_dict({**SMALL, "network": {"layers": [{"units": 3, "activation": "relu"}] * 2}}))
    names = ["accuracy", "gap", "loss", "held loss", "units", "layers"]
    more = ["updates", "dead units", "gradient", "largest weight"]
    for some in (names, more):
        ask(
            session,
            "assign",
            task={"goals": [{"of": name, "least": 0} for name in some]},
            state=session.state.to_dict(),
        )
        ask(session, "step", updates=5)
        values = dict(zip(some, (part["value"] for part in ask(session, "check")["parts"]), strict=True))
        network = session.first.timeline.network
        if some is names:
            assert (values["units"], values["layers"]) == ("6", "2")
            assert float(values["held loss"]) == pytest.approx(session.first.timeline.curves.held_loss[-1], rel=1e-3)
        else:
            most = max(np.abs(leaf).max() for layer in network.params.values() for leaf in layer.values())
            assert values["largest weight"] == f"{most:.3g}"
            flow = [layer["gradient"] for layer in session.first.looks.flow()]
            assert values["gradient"] == f"{flow[0] / flow[-1]:.2g}"
            assert values["updates"] == "10"


def test_a_task_is_laid_aside_unless_it_is_that_of_a_class(session: Session) -> None:
    ask(session, "assign")
    assert session.told().message["assignment"] is None
    assert ask(session, "configure", state={"data": {"rows": 80}})["type"] == "state"
    assert refused(session, "check") == "there is no task here; begin with an exercise, or open a teacher's link"
    link = link_to(Assignment.from_dict({**TASK, "start": SMALL}))
    pupil = beginning(None, link, Quota.of_a_class(3), bound=True)()
    bound = "this session is for the task of your class; it can't be laid aside here"
    assert refused(pupil, "assign") == refused(pupil, "assign", task={"key": "xor"}) == bound
    assert pupil.assignment is not None
    assert pupil.state.network.layers[0].units == 3


def test_a_teachers_link_and_command_hold_the_task(session: Session) -> None:
    ask(session, "assign")
    told = ask(session, "share", task=TASK, pupils=12)
    state, task = linked(told["link"])
    assert task is not None
    assert (state, task.start) == (session.state.replace(at=0), session.state.replace(at=0))
    assert (task.may, task.most_units, task.goals[1]) == (("units", "rate"), 4, Goal("weights", most=20))
    words = shlex.split(told["command"])
    assert words[:-1] == ["backlit", "studio", "--host", "0.0.0.0", "--pupils", "12", "--state"]  # noqa: S104
    assert words[-1] == told["link"]
    parts = json.loads(unquote(told["link"]))
    ask(session, "assign", task=parts.pop("task"), state=parts)  # as a pupil's page does
    assert session.assignment == task
    ask(session, "configure", state={"network": {"layers": [{"units": 2}]}})
    ask(session, "step", updates=7)
    mine = ask(session, "code")["link"]  # what the pupil hands in: the task goes with it, and where it began
    reached, again = linked(mine)
    assert (reached, again) == (session.state, task)
    other = beginning(None, mine)()
    while other.busy:
        other.tick()
    assert other.at()["update"] == 7
    assert ask(other, "check") == ask(session, "check")


LOSS = {"goals": [{"of": "loss", "most": 1}]}


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ({}, "a task needs a goal: choose a quantity and a number"),
        ({"goals": [{"of": "luck", "least": 1}]}, "luck"),
        ({"goals": [{"of": "loss"}]}, "goal: 'loss' needs either least or most, a number"),
        ({"goals": [{"of": "loss", "most": 1, "least": 0}]}, "goal: 'loss' needs either least or most, a number"),
        ({"goals": [{"of": "loss", "most": 1}] * 7}, "task: at most 6 goals, got 7"),
        ({"goals": 3}, "goals"),
        ({**LOSS, "may": ["everything"]}, "everything"),
        ({**LOSS, "most_units": 2}, "this task allows at most 2 hidden units; that would be 3"),
        ({**LOSS, "most_units": -1}, "most_units"),
        ({**LOSS, "text": "x" * 2001}, "task: text has more than 2000 characters"),
        ({**LOSS, "text": {"en": "a"}}, "task: text must be a text, or one for each of en, ko"),
        ({**LOSS, "secret": 1}, "secret"),
        ({"key": "fame"}, "fame"),
    ],
)  # fmt: skip
def test_a_task_that_cannot_be_is_refused(session: Session, task: dict[str, object], text: str) -> None:
    ask(session, "assign")
    assert text in refused(session, "share", task=task)


def test_a_file_cannot_be_in_a_link(session: Session) -> None:
    with pytest.raises(InputError, match="a task needs data that its link can hold"):
        Assignment.from_dict({"goals": [], "start": {"data": {"name": "file", "file": "file1"}}})


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("held accuracy >= 95%", Goal("held accuracy", least=0.95)),
        ("held_accuracy>=0.95", Goal("held accuracy", least=0.95)),
        ("updates<= 300", Goal("updates", most=300)),
    ],
)
def test_a_goal_is_read_from_a_command(text: str, goal: Goal) -> None:
    assert goal_of(text) == goal


@pytest.mark.parametrize("text", ["weights = 3", "weights <= many", "beauty >= 3", ""])
def test_a_goal_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(InputError, match=r'a goal is written as "held accuracy >= 95%"|unknown quantity of a goal'):
        goal_of(text)


# ------------------------------------------------------------------------------------------------ exercises


def test_the_documents_list_the_exercises() -> None:
    for page in ("studio.md", "studio.ko.md"):
        text = (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
        rows = re.findall(r"^\| ([a-z ]+) \| \[(\d+)\]\(lessons/([\w-]+)\.md\)", text, flags=re.MULTILINE)
        assert rows == [(each.key, str(each.number), each.lesson) for each in exercises().values()], page


def test_lessons_lead_to_their_exercises(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Path(__file__).parents[2] / "docs" / "site"
    monkeypatch.syspath_prepend(str(site))
    page = runpy.run_path(str(site / "lessons.py"))["in_the_studio"]
    assert "- A gradient that arrives: `backlit studio --exercise 'vanishing gradients'`" in page("activations", "en")
    assert "- XOR에는 은닉층이 필요하다: `backlit studio --exercise 'xor'`" in page("linear", "ko")
    assert page("arrays", "en") == ""


def test_exercises_are_of_lessons_that_are_there() -> None:
    assert len(exercises()) >= 10
    for exercise in exercises().values():
        assert find(exercise.lesson).number == exercise.number
        assert set(exercise.assignment.allowed) <= set(PARTS)


@pytest.mark.slow
@pytest.mark.parametrize("key", list(exercises()))
def test_an_exercise_is_not_reached_by_itself_and_is_by_its_solution(key: str) -> None:
    session = Session()
    assert ask(session, "assign", task={"key": key})["type"] == "state"
    assert not ask(session, "check")["met"]
    ask(session, "seek", update=300)
    if key != "stop in time":  # where time is all there is to change
        assert not ask(session, "check")["met"]
    hint, solution = ask(session, "help", of="hint"), ask(session, "help", of="solution")
    assert all(told["what"][lang] for told in (hint, solution) for lang in ("en", "ko"))
    state = solution["state"]
    assert ask(session, "configure", state=state)["type"] == "state"  # what the task allows
    told = ask(session, "check")
    assert told["met"], told["parts"]
    assert linked(link_to(exercises()[key].assignment)) == (
        exercises()[key].assignment.start,
        exercises()[key].assignment,
    )


def test_a_task_of_a_teachers_own_has_no_solution(session: Session) -> None:
    assert ask(session, "help", of="hint")["what"]["en"] == "Fewer units."
    assert refused(session, "help", of="solution") == "this task has no solution to show"
    ask(session, "assign", task={"goals": TASK["goals"]}, state=SMALL)
    assert refused(session, "help", of="hint") == "this task has no hint"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"task": "xor"}, "task must be a table, got 'xor'"),
        ({"task": ["xor"]}, "task must be a table, got ['xor']"),
        ({"task": {"goals": []}, "state": []}, "state must be a table, got []"),
        ({"task": {"goals": []}, "state": "moons"}, "state must be a table, got 'moons'"),
        ({"task": {"start": []}}, "must be a table, got []"),
    ],
)
def test_a_task_and_its_state_are_tables(session: Session, parts: dict[str, object], text: str) -> None:
    assert text in refused(session, "assign", **parts)
