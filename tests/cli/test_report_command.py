"""`backlit report`, and the report that `backlit train` writes."""

import json
import os

import pytest

from tests.cli.calling import backlit
from tests.report.common import checked


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    options = ("--network", "mlp:8", "--epochs", 4, "--ensemble", 1, "--out", "run", "--lang", "ko", "--quiet")
    done = backlit("train", "iris", *options, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_train_writes_a_report_last(trained):
    folder, printed = trained
    assert printed.splitlines()[-1] == f"report: run{os.sep}report.html"
    page = checked((folder / "run" / "report.html").read_text(encoding="utf-8"))
    assert page.all("html")[0]["lang"] == "ko"
    assert "backlit train iris" in page.text()
    assert "lang" not in (folder / "run" / "config.toml").read_text(encoding="utf-8")
    assert backlit("show", "run", folder=folder).returncode == 0


def test_train_without_a_report(tmp_path):
    options = ("--network", "linear", "--epochs", 1, "--ensemble", 1, "--out", "run", "--no-report", "--json", "-q")
    done = backlit("train", "iris", *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == "run"
    assert not (tmp_path / "run" / "report.html").exists()


def test_report_in_the_folder_or_elsewhere(trained):
    folder, _ = trained
    done = backlit("report", "run", folder=folder)
    assert (done.returncode, done.stdout.strip()) == (0, f"run{os.sep}report.html")
    assert '<html lang="en">' in (folder / "run" / "report.html").read_text(encoding="utf-8")
    done = backlit("report", "run", "--out", "보고서.html", "--lang", "ko", "--json", folder=folder)
    told = json.loads(done.stdout)
    assert told == {"report": "보고서.html", "bytes": (folder / "보고서.html").stat().st_size}
    checked((folder / "보고서.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "nothing is no folder: expected the folder of a run"),
        (("run", "--lang", "fr"), "unknown language of the report 'fr'"),
        (("run", "--out", "report.pdf"), "--out report.pdf: the name must end in .html"),
        (("run", "--out", "no/such/folder/a.html"), "a.html can't be written"),
    ],
)
def test_wrong_input(trained, arguments, message):
    folder, _ = trained
    done = backlit("report", *arguments, folder=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_train_refuses_a_language_before_any_work(tmp_path):
    done = backlit("train", "iris", "--lang", "fr", "--out", "run", folder=tmp_path)
    assert done.returncode == 2
    assert "unknown language of the report 'fr'" in done.stderr
    assert not (tmp_path / "run").exists()


def test_folder_from_a_crash(trained, tmp_path):
    """Torn in the midst of the first writing: no index, so no run, and nothing is left behind."""
    folder, _ = trained
    crash = tmp_path / "crash"
    crash.mkdir()
    (crash / ".weights.safetensors.new").write_bytes((folder / "run" / "weights.safetensors").read_bytes()[:100])
    done = backlit("report", "crash", folder=tmp_path)
    assert done.returncode == 2
    assert "is no complete run: network.json missing" in done.stderr
    assert [path.name for path in crash.iterdir()] == [".weights.safetensors.new"]
