"""digits, 64-64-10, batch 32, 50 epochs: process start to printed accuracy, each as its users write it."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).parent / "digits_scripts"
PEERS = {
    "scikit-learn": "scikit_learn",
    "PyTorch": "pytorch",
    "Keras (JAX)": "keras_",
    "Equinox + Optax": "equinox_optax",
}
ROUNDS = 7


def once(script: str, cache: str) -> tuple[float, float]:
    """Seconds and accuracy of one process."""
    environment = {**os.environ, "BACKLIT_CACHE": cache}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{script}.py")], env=environment, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - begin, float(done.stdout.split()[-1])


def main() -> str:
    """The race as text."""
    with tempfile.TemporaryDirectory() as warm:
        names = ["backlit, warm cache", "backlit, cold cache", *PEERS]
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        once("backlit_", warm)
        for script in PEERS.values():
            once(script, warm)  # file caches
        for _ in range(ROUNDS):
            for name in names:
                cold = tempfile.mkdtemp()
                rounds[name].append(once(PEERS.get(name, "backlit_"), cold if "cold" in name else warm))
                shutil.rmtree(cold)
    base = statistics.median(seconds for seconds, _ in rounds[names[0]])
    lines = ["### digits, 64-64-10, batch 32, 50 epochs: process start to printed accuracy", ""]
    lines += [f"| | s | ÷ {names[0]} | accuracy |", "|---|---:|---:|---:|"]
    for name, found in rounds.items():
        seconds = statistics.median(s for s, _ in found)
        lines.append(
            f"| {name} | {seconds:.2f} | {seconds / base:.2f} | {statistics.median(a for _, a in found):.4f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(main())
