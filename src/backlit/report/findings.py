"""What to know first: what went wrong with a run, and what the doctor finds."""

from __future__ import annotations

from typing import Any

from backlit.doctor.finding import Finding
from backlit.errors import InputError
from backlit.report.numerals import short
from backlit.report.reproduce import amended
from backlit.report.texts import Phrase, Said, Text, say

Shown = dict[str, Any]  # a finding as the page shows it


def findings(run: Any) -> list[Shown]:
    """One dict a finding: "severity", "title", "sentences", "facts" (what and value), "code" (remedies to copy)."""
    return [*_of_run(run), *_of_doctor(run)]


def _shown(title: Text, sentences: list[Text], severity: str = "alarm", **more: Any) -> Shown:
    parts = {"severity": severity, "called": say(f"findings.{severity}"), "title": title, "sentences": sentences}
    return parts | {"facts": [], "code": []} | more


def _of_run(run: Any) -> list[Shown]:
    """What the run itself tells."""
    shown = []
    if run.diverged:
        values = {"epoch": run.diverged.epoch, "step": run.diverged.step, "where": Said(run.diverged.place)}
        sentences: list[Text] = [say("finding.diverged.what", **values), say("finding.diverged.kept")]
        shown.append(_shown(say("finding.diverged"), [*sentences, say("finding.diverged.do")]))
    shown += [_shown(say("finding.useless"), [Said(each)]) for each in (run.judgement or {}).get("warnings", ())]
    if run.stopped == "interrupted":
        ended = say("finding.interrupted.what", epoch=len(run.history))
        shown.append(_shown(say("finding.interrupted"), [ended], "remark"))
    if not run.stopped:
        shown.append(_shown(say("finding.unfinished"), [say("finding.unfinished.what")], "remark"))
    return shown


def _of_doctor(run: Any) -> list[Shown]:
    """What `Run.diagnose` finds; nothing where there is nothing to judge by."""
    try:
        return [_diagnosed(finding, run) for finding in run.diagnose()]
    except InputError:
        return []


def _diagnosed(finding: Finding, run: Any) -> Shown:
    kind = finding.kind
    facts: list[tuple[Phrase, Any]] = [(say("findings.where"), Said(finding.message("where")))]
    if finding.measured is not None:
        measured = say(
            "findings.measured.as", measure=Said(finding.message("measure")), measured=short(finding.measured)
        )
        facts.append((say("findings.measured"), measured))
    if finding.threshold is not None:
        limit = say("findings.limit", threshold=short(finding.threshold), source=Said(finding.message("source")))
        facts.append((say("findings.threshold"), limit))
    facts += [(say("findings.follows"), Said(each)) for each in finding.consequences]
    facts.append((say("findings.expected"), Said(kind.effect.of())))
    code = [(say("findings.remedy"), Said(finding.remedy)), (say("findings.command"), amended(run, finding.command))]
    lines = [each for each in code if each[1]]
    return _shown(Said(kind.name.of()), [Said(kind.cause.of())], finding.severity, facts=facts, code=lines)
