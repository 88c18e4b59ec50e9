"""The page on several processes: its local examples run, and its files are what their launchers read."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.calling import backlit

yaml = pytest.importorskip("yaml")

PAGE = (Path(__file__).parents[2] / "docs" / "launching.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    backlit (.*)$", PAGE, flags=re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.slow
def test_the_examples_of_one_machine(tmp_path: Path):
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 200, 120)
    rows = "".join(f"{a:.1f},{2.5 * a + e:.1f}\n" for a, e in zip(area, rng.normal(0, 5, 120), strict=True))
    (tmp_path / "houses.csv").write_text("area,price\n" + rows)
    [script] = blocks("python")
    (tmp_path / "train.py").write_text(script)
    assert [command.split()[0] for command in COMMANDS] == ["train", "launch"]
    said = [
        subprocess.run(
            [sys.executable, "-m", "backlit", *shlex.split(command), *more],
            cwd=tmp_path,
            capture_output=True,
            check=True,
        ).stdout.decode()
        for command, more in zip(COMMANDS, (["--no-report", "--ensemble", "1"], []), strict=True)
    ]
    assert "run: runs/houses" in said[0]
    assert re.search(r"^2 processes, loss 0\.\d+$", said[1], flags=re.MULTILINE)


def test_what_a_script_hears_is_what_the_page_says():
    """Ctrl-C is held until an epoch is whole; the other signals only in commands."""
    import signal

    from backlit.interrupts import held

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    with held():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before
    assert "In a script of\nyour own Ctrl-C does so; what SIGTERM and SIGHUP do there is Python's default" in PAGE


def test_the_page_doesnt_promise_what_gloo_doesnt_keep():
    assert "everything stays on this machine" not in PAGE
    assert "With `average_every` the result depends on how many there are" in PAGE


@pytest.mark.parametrize("script", blocks("bash"))
def test_shell_that_a_shell_reads(script):
    done = subprocess.run([shutil.which("bash"), "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_of_the_files_has_options_that_there_are():
    """The commands behind srun, mpirun and in Kubernetes, held to the help."""
    help_ = backlit("train", "--help").stdout
    lines = [line.partition("backlit train ")[2] for block in blocks("bash") for line in block.splitlines()]
    lines += [" ".join(container()["args"][2:]), *(command for command in COMMANDS if command.startswith("train"))]
    flags = {word for line in lines for word in shlex.split(line) if word.startswith("--")}
    assert {"--coordinator", "--process", "--of", "--resume", "--processes"} <= flags
    assert [flag for flag in flags if flag not in help_] == []


def container() -> dict:
    service, job = list(yaml.safe_load_all(blocks("yaml")[0]))
    assert (service["kind"], job["kind"]) == ("Service", "Job")
    return job["spec"]["template"]["spec"]["containers"][0]


def test_kubernetes_tells_each_pod_its_place():
    """What the Job sets is what `places` reads, and pod 0 has the name that the others look for."""
    from backlit.distributed.places import found

    service, job = list(yaml.safe_load_all(blocks("yaml")[0]))
    variables = {entry["name"]: entry for entry in container()["env"]}
    index = variables["BACKLIT_PROCESS"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert index == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    told = {name: entry["value"] for name, entry in variables.items() if "value" in entry}
    place = found({**told, "BACKLIT_PROCESS": "3"})
    name, domain = job["metadata"]["name"], job["spec"]["template"]["spec"]["subdomain"]
    assert (place.process, place.processes) == (3, job["spec"]["completions"])
    assert place.coordinator.partition(":")[0] == f"{name}-0.{domain}"
    assert (domain, service["spec"]["selector"]) == (service["metadata"]["name"], {"job-name": name})
    assert job["spec"]["completions"] == job["spec"]["parallelism"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun here")
def test_mpirun(tmp_path: Path):
    (tmp_path / "houses.csv").write_text("area,price\n" + "".join(f"{i},{3 * i}\n" for i in range(60)))
    line = next(line for block in blocks("bash") for line in block.splitlines() if line.startswith("mpirun -np 2"))
    words = shlex.split(line.replace("backlit", f"{sys.executable} -m backlit", 1))
    more = ["--allow-run-as-root", "--oversubscribe"]
    command = [words[0], *more, *words[1:], "--epochs", "2", "--network", "linear", "--no-report", "--ensemble", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("run: runs/houses") == 1
