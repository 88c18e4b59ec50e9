"""Known weaknesses of the development environment: `make audit`.

pip-audit asks the advisory database. That it can't be reached is told, and is no failure: no answer is no finding.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

LOCK = Path("build/environment.txt")
OUT_OF_REACH = (
    "ConnectionError",
    "Connection",
    "Max retries",
    "resolve",
    "timed out",
    "Timeout",
    "ProxyError",
    "503",
    "502",
)


def main() -> int:
    """Write the exact versions down and have them checked; 1 if one has a known weakness."""
    LOCK.parent.mkdir(exist_ok=True)
    found = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    pinned = [
        f"{name}=={version}" for name, version in sorted(found.items()) if name != "backlit" and "+" not in version
    ]
    LOCK.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    print(f"{len(pinned)} packages: {LOCK}")
    check = ["-m", "pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run([sys.executable, *check], capture_output=True, text=True, check=False)
    return verdict(done.returncode, done.stdout, done.stderr)


def verdict(status: int, out: str, err: str) -> int:
    """What to say of pip-audit's answer, and the exit status."""
    if status == 0:
        print("no known weakness")
        return 0
    if out.strip():
        print(out)
        return 1
    if any(word in err for word in OUT_OF_REACH):
        print(f"the advisory database can't be reached, so nothing is known: {err.strip().splitlines()[-1][:200]}")
        return 0
    print(err)
    return 1


if __name__ == "__main__":
    sys.exit(main())
