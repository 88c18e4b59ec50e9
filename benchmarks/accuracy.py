"""`backlit train digits`: test accuracy over seeds 0 to 4, as the command reports it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile


def main() -> str:
    """The table as text."""
    found = []
    for seed in range(5):
        with tempfile.TemporaryDirectory() as folder:
            command = [
                sys.executable,
                "-m",
                "backlit",
                "train",
                "digits",
                "--seed",
                str(seed),
                "--json",
                "--out",
                f"{folder}/run",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1])["test"]["accuracy"])
    cells = " | ".join(f"{a:.4f}" for a in found)
    return (
        "### `backlit train digits`: test accuracy\n\n| seed 0 | 1 | 2 | 3 | 4 | mean |\n"
        "|---:|---:|---:|---:|---:|---:|\n"
        f"| {cells} | {statistics.mean(found):.4f} |\n"
    )


if __name__ == "__main__":
    print(main())
