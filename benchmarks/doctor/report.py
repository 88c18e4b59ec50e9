"""What came of all cases, as a section of RESULTS.md."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.doctor.published import TOOLS, stands_for
from benchmarks.doctor.runner import Result

TARGETS = ("≥ 98 %", "≥ 95 %", "0")


def lines(results: list[Result]) -> str:
    """A line for each run: whether it was right, what was said, how it ended."""
    told = []
    for own in results:
        said = ", ".join(own.alarms) or "-"
        said += f" ({', '.join(own.remarks)})" if own.remarks else ""
        end = " ".join(f"{name} {value:.3g}" for name, value in own.end.items() if name != "epoch")
        told.append(f"{'yes' if own.right else 'NO ':<3} {own.case.name:<56} {own.seed:>3}  {said}  [{end}]")
    return "\n".join(told)


def share(count: int, of: int) -> str:
    """A count with its percentage."""
    return f"{count} of {of} ({count / of:.1%})" if of else "-"


def section(results: list[Result], half: str) -> str:
    """The whole section: sums beside the published criteria, by finding, and what is still wrong."""
    sick = [own for own in results if own.case.expected]
    healthy = [own for own in results if not own.case.expected]
    seeds = sorted({own.seed for own in results})
    head = [
        f"### Doctor: findings on the {'scoring' if half == 'score' else half} half",
        "",
        f"{len({own.case.name for own in sick})} sick and {len({own.case.name for own in healthy})} healthy cases, "
        f"seeds {', '.join(map(str, seeds))}. The cases are in `benchmarks/doctor/cases/{half}`; "
        "`make bench-doctor` runs them.",
        "",
    ]
    return "\n".join([*head, *_sums(sick, healthy), "", *_by_finding(sick), "", *_wrong(results)]) + "\n"


def _sums(sick: list[Result], healthy: list[Result]) -> list[str]:
    rows = [
        "| | sick found | right cause named first | healthy with an alarm |",
        "|---|---:|---:|---:|",
        f"| must reach | {' | '.join(TARGETS)} |",
        f"| **backlit's doctor** | {share(sum(own.found for own in sick), len(sick))} | "
        f"{share(sum(own.right for own in sick), len(sick))} | "
        f"{share(sum(not own.right for own in healthy), len(healthy))} |",
    ]
    after, well = [own for own in sick if own.others], [own for own in healthy if own.others]
    for tool in TOOLS if after or well else ():
        found = sum(bool(own.others[tool]) for own in after)
        right = sum(bool(own.others[tool]) and bool(stands_for(own.others[tool][0]) & {*own.case.expected}) for own in after)  # fmt: skip
        alarms = sum(bool(own.others[tool]) for own in well)
        rows.append(f"| {tool} | {share(found, len(after))} | {share(right, len(after))} | {share(alarms, len(well))} |")
    seconds = np.array([own.seconds for own in sick + healthy])
    rows += [
        "",
        "The published criteria are restated in `benchmarks/doctor/published.py` and judge the same trainings after the "
        "fact (cases that are only checked before training are left out for them); each of their names counts as right "
        "if it may stand for the expected cause. "
        f"A case takes {np.median(seconds):.2f} s (median), training and diagnosis together.",
    ]
    return rows


def _by_finding(sick: list[Result]) -> list[str]:
    by: dict[str, list[Result]] = defaultdict(list)
    for own in sick:
        by[own.case.expected[0]].append(own)
    rows = ["| expected | cases | found | named first |", "|---|---:|---:|---:|"]
    for name, runs in sorted(by.items()):
        cases = len({own.case.name for own in runs})
        rows.append(f"| {name} | {cases} | {sum(o.found for o in runs)}/{len(runs)} | {sum(o.right for o in runs)}/{len(runs)} |")  # fmt: skip
    return rows


def _wrong(results: list[Result]) -> list[str]:
    wrong = [own for own in results if not own.right]
    if not wrong:
        return ["Nothing is wrong."]
    rows = ["What is still wrong:", ""]
    for own in wrong:
        said = ", ".join(own.alarms) or "no alarm"
        rows.append(f"- {own.case.name}, seed {own.seed}: {said}; expected {' or '.join(own.case.expected) or 'none'}")
    return rows
