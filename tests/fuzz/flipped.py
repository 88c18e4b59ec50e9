"""Run folders of which bits have flipped and bytes are missing: the checksums notice, whatever is asked of the run."""

import json

import backlit as bl
from tests.fuzz.damage import damaged
from tests.fuzz.frame import Case, Fault, fuzzer
from tests.fuzz.runs import copy_of_run, lay_out

READ = (
    "network.json",
    "weights.safetensors",
    "data.json",
    "history.jsonl",
    "judgement.json",
    "probes.jsonl",
    "config.toml",
)


@fuzzer("bits and bytes of run folders", ci=150)
def flipped(case: Case) -> None:
    rng = case.rng
    folder = copy_of_run(case, rng.choice(["classes", "numbers"]))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    name, other = rng.choices(sorted(set(files) & set(READ)), k=2)
    changed = damaged(rng, files[name], files[other])
    if rng.random() < 0.05:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(changed)
        if _same(name, changed, files[name]):
            return
    if case.call(bl.load, folder) is not None:
        raise Fault(f"{name} has changed, and the run is loaded")
    if rng.random() < 0.1:
        lay_out(case.folder)
        command = rng.choice(
            [["show", "run"], ["predict", "run", "t.csv"], ["evaluate", "run", "t.csv"], ["report", "run"]]
        )
        if case.command(*command).status != 2:
            raise Fault(f"{name} has changed, and {command} doesn't mind")


def _same(name: str, one: bytes, other: bytes) -> bool:
    """Whether nothing has changed, or nothing but spaces in the index, which no one hashes."""
    try:
        return one == other or (name == "network.json" and json.loads(one) == json.loads(other))
    except ValueError:
        return False
