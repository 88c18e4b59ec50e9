"""`backlit lessons` and `backlit lesson`: the list, the text, notebooks, answers, and what is refused."""

import json
import sys

import pytest

from backlit.cli.main import main
from tests.cli.calling import backlit


def test_the_list(tmp_path):
    done = backlit("lessons", "--lang", "ko", folder=tmp_path)
    assert done.returncode == 0
    assert "그래프 위의 역전파" in done.stdout
    told = json.loads(backlit("lessons", "--json", folder=tmp_path).stdout)
    assert [lesson["number"] for lesson in told["lessons"]] == sorted(lesson["number"] for lesson in told["lessons"])


@pytest.mark.slow
def test_a_lesson_is_shown_with_its_numbers_and_pictures(tmp_path):
    done = backlit("lesson", "backprop", "--quick", "--pictures", "pictures", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "q is 3, f is −12." in " ".join(done.stdout.split())
    assert "assert" not in done.stdout
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "backprop-graph.png", "backprop-plan.png", "backprop-trained.png",
    ]  # fmt: skip


def test_a_notebook_in_korean(tmp_path):
    done = backlit("lesson", 3, "--lang", "ko", "--quick", "--notebook", "out.ipynb", "--json", folder=tmp_path)
    assert json.loads(done.stdout) == {"lesson": "backprop", "notebook": "out.ipynb"}
    assert "역전파" in (tmp_path / "out.ipynb").read_text(encoding="utf-8")


ANSWERS = """
print("hello")
exercise_1 = (3, 3, 3)
def exercise_2(x):
    return x
"""


def test_answers_are_judged(tmp_path):
    (tmp_path / "answers.py").write_text(ANSWERS, encoding="utf-8")
    done = backlit("lesson", "backprop", "--check", "answers.py", folder=tmp_path)
    assert done.returncode == 1
    first, second, third = done.stdout.splitlines()
    assert (first, second[:3], third) == ("✔ 1  right", "✘ 2", "✘ 3  no answer yet: it goes into exercise_3")
    assert "hello" in done.stderr
    done = backlit("lesson", "backprop", "--check", "answers.py", "--lang", "ko", "--json", folder=tmp_path)
    assert [verdict["right"] for verdict in json.loads(done.stdout)["verdicts"]] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exercise_1 = (", "answers.py, line 1: '(' was never closed"),
        ("x = 1\nx.y\n", "answers.py, line 2: AttributeError"),
        ("while True: pass", "answers.py was stopped after 1 seconds"),
        ("import os; os._exit(7)", "answers.py ended its process by itself, with status 7"),
        ("raise SystemExit(3)", "answers.py ended its process by itself, with status 3"),
        (None, "answers.py: there is no such file"),
    ],
)
def test_files_of_answers_that_fail(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "answers.py").write_text(text, encoding="utf-8")
    command = ["backlit", "lesson", "backprop", "--check", "answers.py", "--seconds"]
    monkeypatch.setattr(sys, "argv", [*command, "1" if text and "while" in text else "60"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lesson", "backprob"], "did you mean 'backprop'"),
        (["lesson", "backprop", "--lang", "kr"], "did you mean 'ko'"),
        (["lessons", "--lang", "fr"], "unknown language of the lessons 'fr'"),
        (["lesson", "backprop", "--notebook", "out.html"], "must end in .ipynb"),
        (["lesson", "backprop", "--notebook", "no/out.ipynb"], "there is no folder no"),
        (["lesson", "backprop", "--check", "a.py", "--pictures", "p"], "leave --notebook and --pictures out"),
        (["lesson", "backprop", "--quick", "--pictures", "file"], "this is a file"),
        (["lessons", "--out", "file"], "this is a file"),
        (["lessons", "--out", "file/folder"], "file/folder can't be made"),
    ],
)
def test_mistakes_end_with_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["backlit", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
