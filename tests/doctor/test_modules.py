"""What a diagnosis loads: rules, records and repairs, no pictures, no page, no search for repairs."""

import json
import subprocess
import sys
from pathlib import Path

import backlit as bl
from tests.train.common import blobs

PROGRAM = """
import json, sys
import backlit as bl
run = bl.load(sys.argv[1])
before = set(sys.modules)
run.diagnose()
print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""
MOST = 72  # modules: thirty files of findings, and as many of facts, remedies and changes


def loaded(folder: Path) -> tuple[set[str], set[str]]:
    """Modules there before a saved run was diagnosed, in a process of its own, and those that came with it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, check=True)
    before, new = json.loads(done.stdout)
    return set(before), set(new)


def test_a_diagnosis_loads_what_it_needs(tmp_path: Path) -> None:
    x, y = blobs()
    run = bl.fit(bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3)), x, y, epochs=2, engine="numpy")
    before, new = loaded(run.save(tmp_path / "run"))
    for room in ("inspect", "report", "lessons", "cli", "tasks"):
        assert not [name for name in before | new if name.startswith(f"backlit.{room}.")], room
    assert not {"matplotlib", "sklearn", "jinja2"} & {name.partition(".")[0] for name in before | new}
    ours = {name for name in new if name.startswith("backlit.")}
    assert "backlit.doctor.findings.overfitting" in ours
    assert "backlit.doctor.repair.search" not in ours
    assert len(ours) <= MOST
