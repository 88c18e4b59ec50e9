"""What the tests reach: lines and branches by room, after `make test` or `make coverage`.

    python -m benchmarks.covered           the table, and the modules that the tests reach least
    python -m benchmarks.covered optim     one room's, or a part's: nn/losses
    python -m benchmarks.covered --check   status 1 if a module is reached less than it must be

Measuring makes tests slower by more than a quarter (Python 3.11), so `make test` runs all without it and then a slice
of them with it, and prints the table of those rooms. `make coverage` measures all, slow ones and started processes too.

Tests lie in the folder of the room that they are about, not in a file for each module: what tells whether a module is
tested is how much of it the tests reach. Each must be reached to LEAST, unless it is left out with a reason here.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src" / "backlit"
LEAST = 80.0  # percent of a module's lines and branches
SHOWN = 10
LEFT_OUT: dict[str, str] = {}  # modules that tests needn't reach to LEAST, and why


def measured() -> dict[str, dict[str, int]]:
    """Each module's counts, as Coverage.py has them in .coverage."""
    from coverage import Coverage

    measure = Coverage()
    measure.load()
    with tempfile.TemporaryDirectory() as folder:
        measure.json_report(outfile=f"{folder}/report.json")
        report = json.loads(Path(folder, "report.json").read_text(encoding="utf-8"))
    counts = {str(Path(file).resolve()): entry["summary"] for file, entry in report["files"].items()}
    return {Path(file).relative_to(SOURCES).as_posix(): entry for file, entry in sorted(counts.items())}


def percent(entries: list[dict[str, int]]) -> float:
    """Lines and branches that were reached, of all."""
    reached = sum(entry["covered_lines"] + entry["covered_branches"] for entry in entries)
    return 100.0 * reached / max(1, sum(entry["num_statements"] + entry["num_branches"] for entry in entries))


def table(modules: dict[str, dict[str, int]]) -> str:
    """Lines and branches of each room."""
    rooms = defaultdict(list)
    for name, entry in modules.items():
        rooms[name.partition("/")[0] if "/" in name else "(files)"].append(entry)
    rows = ["| room | modules | lines | branches | reached |", "|---|---|---|---|---|"]
    for room, entries in [*sorted(rooms.items()), ("all", list(modules.values()))]:
        lines, branches = (sum(entry[key] for entry in entries) for key in ("num_statements", "num_branches"))
        rows.append(f"| {room} | {len(entries)} | {lines:,} | {branches:,} | {percent(entries):.1f} % |")
    return "\n".join(rows)


def too_little(modules: dict[str, dict[str, int]]) -> dict[str, float]:
    """Modules that the tests reach less than they must; those with nothing to run don't count."""
    reached = {name: percent([entry]) for name, entry in modules.items() if entry["num_statements"]}
    return {name: share for name, share in reached.items() if share < LEAST and name not in LEFT_OUT}


def main() -> None:
    """Print it; with --check end with status 1 if a module is reached too little."""
    rooms = tuple(f"{word}/" for word in sys.argv[1:] if not word.startswith("--"))
    modules = {name: entry for name, entry in measured().items() if not rooms or name.startswith(rooms)}
    print(table(modules))
    least = sorted((percent([entry]), name) for name, entry in modules.items() if entry["num_statements"])[:SHOWN]
    print("\nreached least:\n" + "\n".join(f"  {share:5.1f} %  {name}" for share, name in least))
    if LEFT_OUT:
        print("\nleft out:\n" + "\n".join(f"  {name}: {why}" for name, why in LEFT_OUT.items()))
    little = too_little(modules)
    if little and "--check" in sys.argv[1:]:
        sys.exit(
            "\n".join(f"{name}: the tests reach {share:.1f} %, and must {LEAST:g}" for name, share in little.items())
        )


if __name__ == "__main__":
    main()
