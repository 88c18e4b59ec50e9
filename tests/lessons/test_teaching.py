"""The page for teachers: its commands are understood, its sick runs have something to be found."""

import re
import shlex
import tempfile
from pathlib import Path

import pytest
import typer.main

from backlit.cli.main import app
from backlit.lessons import LESSONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {page: (DOCS / page).read_text(encoding="utf-8") for page in ("teaching.md", "teaching.ko.md")}
LINES = sorted(
    {line for text in PAGES.values() for line in re.findall(r"(?:^|`)(backlit [^`\n]+)", text, re.MULTILINE)}
)
CAUSES = {"sick/a": "learning rate too high", "sick/b": "too little capacity", "sick/c": "learning rate too low"}
FILLED = {"NAME": "neurons", "FILE.ipynb": "out.ipynb", "RUN": "run"}


@pytest.mark.parametrize("line", LINES)
def test_its_commands_are_understood(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.py").write_text("")
    for folder in ("run", "sick/a"):
        (tmp_path / folder).mkdir(parents=True)
    name, *words = shlex.split(line.removeprefix("backlit "))
    command = typer.main.get_command(app).commands[name]
    command.make_context(name, [FILLED.get(word, word) for word in words])  # it would say what it doesn't know


def test_both_languages_teach_the_same_with_the_same_commands():
    commands = [
        re.findall(r"(?:^|`)(backlit [^`\n]+)", text.replace("--lang ko --check", "--check"), re.MULTILINE)
        for text in PAGES.values()
    ]
    assert commands[0] == commands[1]
    for text in PAGES.values():
        assert set(re.findall(r"lessons/([\w-]+)\.md", text)) == set(LESSONS)
        rows = re.findall(r"^\| (\d) \|", text, re.MULTILINE)
        assert rows[:8] == list("12345678")  # eight hours


@pytest.mark.slow
def test_a_run_that_is_sick_on_purpose_has_the_one_cause_that_was_put_in():
    import backlit as bl
    from backlit.cli.main import main

    lines = [line for line in LINES if line.startswith("backlit train") and "--out" in line]
    assert len(lines) == 3
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in lines:
            patch.setattr("sys.argv", shlex.split(line))
            with pytest.raises(SystemExit) as ended:
                main()
            assert not ended.value.code
            found = bl.load(shlex.split(line)[-1]).diagnose()
            assert [one.name for one in found.alarms] == [CAUSES[line.split("--out ")[1]]], line
            told = " ".join(one.code for one in found)
            assert "loss=..." not in told, "a run's folder tells its loss"
            assert "optimizer=..." not in told, "and its optimizer"
