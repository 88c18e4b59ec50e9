"""What came of all cases, as a section of RESULTS.md."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.doctor.published import TOOLS, stands_for
from benchmarks.doctor.runner import Result

ORIGINS = ("seeded", "outside the catalogue", "a stranger's", "made for the rules")
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
    counts = (
        f"{len({own.case.name for own in sick})} sick and {len({own.case.name for own in healthy})} healthy cases, "
        f"seeds {', '.join(map(str, seeds))}. The cases are in `benchmarks/doctor/cases/{half}`; "
        "`make bench-doctor` runs them."
    )
    head = [
        f"### Doctor: findings on the {'scoring' if half == 'score' else half} half",
        "",
        counts,
        "",
    ]
    return (
        "\n".join(
            [*head, *_sums(sick, healthy), "", *_by_origin(results), "", *_by_finding(sick), "", *_wrong(results)]
        )
        + "\n"
    )


def _sums(sick: list[Result], healthy: list[Result]) -> list[str]:
    found, right = sum(own.found for own in sick), sum(own.right for own in sick)
    alarms = sum(not own.right for own in healthy)
    rows = [
        "| | sick found | right cause named first | healthy with an alarm |",
        "|---|---:|---:|---:|",
        f"| must reach | {' | '.join(TARGETS)} |",
        _row("**backlit's doctor**", found, right, len(sick), alarms, len(healthy)),
    ]
    after, well = [own for own in sick if own.others], [own for own in healthy if own.others]
    for tool in TOOLS if after or well else ():
        said = [(own.others[tool][:1], own.case.expected) for own in after if own.others[tool]]
        right = sum(bool(stands_for(first[0]) & set(expected)) for first, expected in said)
        alarms = sum(bool(own.others[tool]) for own in well)
        rows.append(_row(tool, len(said), right, len(after), alarms, len(well)))
    seconds = float(np.median([own.seconds for own in sick + healthy]))
    note = (
        "The published criteria are restated in `benchmarks/doctor/published.py` and judge the same trainings (cases "
        "that are only checked before training are left out for them); each of their names counts as right if it may "
        f"stand for the expected cause. A case takes {seconds:.2f} s (median), training and diagnosis together."
    )
    return [*rows, "", note]


def _by_origin(results: list[Result]) -> list[str]:
    """Cases of the first catalogue, those made outside it, and those that rules were made on."""
    rows = [
        "| | sick | found | right first | wrong first | both of two named | healthy | alarm | alarm of check |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    origins = [name for name in ORIGINS if any(own.case.origin == name for own in results)]
    for name in (*origins, "together"):
        some = [own for own in results if name in (own.case.origin, "together")]
        sick, healthy = ([own for own in some if bool(own.case.expected) == ill] for ill in (True, False))
        two = [own for own in sick if own.case.named]
        counts = [
            share(sum(getattr(own, told) for own in part), len(part))
            for part, told in ((sick, "found"), (sick, "right"), (sick, "wrong"), (two, "all_named"))
        ]
        alarms = [sum(bool(own.alarms) for own in healthy), sum(bool(own.checked) for own in healthy)]
        rows.append(
            f"| {name} | {len(sick)} | {' | '.join(counts)} | {len(healthy)} | {' | '.join(map(str, alarms))} |"
        )
    return rows


def _row(name: str, found: int, right: int, sick: int, alarms: int, healthy: int) -> str:
    return f"| {name} | {share(found, sick)} | {share(right, sick)} | {share(alarms, healthy)} |"


def _by_finding(sick: list[Result]) -> list[str]:
    by: dict[str, list[Result]] = defaultdict(list)
    for own in sick:
        by[own.case.expected[0]].append(own)
    rows = ["| expected | cases | runs | found | named first |", "|---|---:|---:|---:|---:|"]
    for name, runs in sorted(by.items()):
        cases, found, right = len({o.case.name for o in runs}), sum(o.found for o in runs), sum(o.right for o in runs)
        rows.append(f"| {name} | {cases} | {len(runs)} | {found} | {right} |")
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
