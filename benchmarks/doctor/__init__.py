"""How well the doctor tells sick networks from healthy ones, and causes from each other: cases as plain data."""

from __future__ import annotations

import argparse


def main(options: list[str] | None = None) -> str:
    """All cases of a half, with a few seeds each, as a table."""
    from benchmarks.doctor.runner import cases, run, table

    parser = argparse.ArgumentParser(prog="python -m benchmarks doctor")
    parser.add_argument("--half", default="tune", help="the folder of cases")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds each")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--verbose", action="store_true", help="how each case ended")
    parser.add_argument("--repairs", action="store_true", help="mend the sick ones, beside random search")
    parser.add_argument("--engine", default="xla", help="of repairs: numpy compiles nothing, and is as quick here")
    parser.add_argument("--every", type=int, default=1, help="of repairs: each so-manyth sick case, for a quick look")
    chosen = parser.parse_args(options or [])
    if chosen.repairs:
        from benchmarks.doctor.repairs import main as repairs

        return repairs(chosen)
    results = []
    for case in cases(chosen.half):
        if chosen.only in case.name:
            for seed in range(chosen.first, chosen.first + chosen.seeds):
                results.append(run(case, seed))
                if chosen.verbose:
                    end = {name: round(value, 3) for name, value in results[-1].end.items()}
                    print(f"{case.name} {seed} {results[-1].seconds:.1f}s {results[-1].alarms} {end}", flush=True)
    return table(results)
