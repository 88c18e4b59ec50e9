"""Texts to go on with, on the command line."""

import json
import sys

import pytest

import backlit as bl
from backlit.cli.main import main
from tests.cli.calling import backlit

SENTENCES = "옛날에 한 아이가 살았다. 그 아이는 매일 책을 읽었다.\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    (folder / "책.txt").write_text(SENTENCES * 60, encoding="utf-8")
    words = ("train", "--no-report", "책.txt", "--network", "gru:32", "--epochs", 3, "--lr", 0.01, "--out", "run")
    done = backlit(*words, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.slow
def test_train_and_generate(trained):
    folder, told, notes = trained
    assert told["test"]["bits"] < told["judgement"]["baseline"]["bits"]
    assert "different ones" in notes
    assert "gradients are clipped to norm 1" in notes
    words = ("generate", "run", "--prompt", "옛날", "--length", 30)
    first, again, greedy = (backlit(*words, *more, folder=folder) for more in ((), (), ("--temperature", 0)))
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert greedy.stdout.startswith("옛날에 한 아이가")
    found = json.loads(backlit(*words, "--json", "--top-k", 1, folder=folder).stdout)
    assert found["text"] + "\n" == greedy.stdout
    assert len(found["text"]) == 32


def test_evaluate_foretells_another_text(trained):
    """The same text is foretold as well as at training, another one worse."""
    folder, told, _ = trained
    (folder / "다른.txt").write_text("서울은 비가 온다 그리고 춥다. " * 40, encoding="utf-8")
    same, other = (
        json.loads(backlit("evaluate", "run", file, "--json", folder=folder).stdout) for file in ("책.txt", "다른.txt")
    )
    assert same["bits"] < 1.5 * told["test"]["bits"]
    assert other["bits"] > 2 * same["bits"]
    assert other["characters"] == 40 * 18


def test_show_tells_bits_and_a_sample(trained):
    folder = trained[0]
    done = backlit("show", "run", folder=folder)
    assert "perplexity" in done.stdout
    assert "counting pairs" in done.stdout
    assert "counting 6 in a row" in done.stdout
    assert "what it writes" in done.stdout


@pytest.mark.slow
def test_the_report_says_what_to_type_next(trained):
    folder = trained[0]
    done = backlit(
        "train", "--no-report", "책.txt", "--network", "rnn:4", "--epochs", 1, "--out", "small", "-q", folder=folder
    )
    assert "characters, 64 inputs" in done.stdout or "characters, " in done.stdout
    assert "backlit generate small --prompt " in done.stdout


def test_config_trains_it_again(trained):
    folder = trained[0]
    done = backlit("train", "--no-report", "--config", "run/config.toml", "--out", "again", "-q", folder=folder)
    assert done.returncode == 0, done.stderr
    first, second = bl.load(folder / "run"), bl.load(folder / "again")
    assert first.judgement["scores"] == second.judgement["scores"]


def test_mistakes_end_with_status_2(trained, monkeypatch, capsys):
    folder = trained[0]
    monkeypatch.chdir(folder)
    (folder / "empty.txt").write_text("\n", encoding="utf-8")
    (folder / "short.txt").write_text("ab", encoding="utf-8")
    for words, message in (
        (("train", "none.txt"), "none.txt can't be read"),
        (("train", "empty.txt"), "empty.txt is empty"),
        (("train", "short.txt", "--window", 9), "the text has 2 characters, a window takes 10"),
        (("train", "책.txt", "--network", "mlp:3"), "network for a text"),
        (("train", "책.txt", "--time", "x"), "--time is for tables; 책.txt is learned as a text"),
        (("train", "책.txt", "--balance"), "balance doesn't apply to a text"),
        (("train", "책.txt", "--tokens", "letters"), "unit of text 'letters'"),
        (("generate", "run", "--prompt", ""), "the prompt is empty"),
        (("generate", "run", "--prompt", "Z"), r"'Z' (1)"),
        (("generate", "run", "--prompt", "옛", "--length", -1), "length must be"),
        (("generate", "none", "--prompt", "a"), "none is no folder"),
        (("predict", "run", "책.txt"), "this run goes on with a text: backlit generate"),
        (("evaluate", "run", "short.txt"), "short.txt has 2 characters; the run reads"),
        (("lr-find", "책.txt"), "is a text to go on with"),
    ):
        monkeypatch.setattr(
            sys, "argv", ["backlit", *map(str, words), *(("--out", "new") if words[0] == "train" else ())]
        )
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        assert message in capsys.readouterr().err
        assert not (folder / "new").exists()


def test_a_table_is_no_run_to_generate_from(tmp_path):
    bl.fit(bl.Linear(1), [[1.0], [2.0]], [1.0, 2.0], epochs=1).save(tmp_path / "line")
    done = backlit("generate", "line", "--prompt", "a", folder=tmp_path)
    assert done.returncode == 2
    assert "this run is no language model" in done.stderr
