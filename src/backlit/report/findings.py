"""What to know first: what went wrong with a run, and what the doctor finds."""

from __future__ import annotations

from typing import Any

from backlit.doctor.catalogue import CATALOGUE
from backlit.errors import InputError
from backlit.report.numerals import short
from backlit.report.texts import Diagnosed, Phrase, Text, Told, say

Finding = dict[str, Any]


def findings(run: Any) -> list[Finding]:
    """One dict a finding: "severity", "title", "sentences", "facts" (what and value), "code" (remedies to copy)."""
    return [*_of_run(run), *_of_doctor(run)]


def _finding(title: Text, sentences: list[Text], severity: str = "alarm", **more: Any) -> Finding:
    told = {"severity": severity, "called": say(f"findings.{severity}"), "title": title, "sentences": sentences}
    return told | {"facts": [], "code": []} | more


def _of_run(run: Any) -> list[Finding]:
    """What the run itself tells."""
    found = []
    if run.diverged:
        told = {"epoch": run.diverged.epoch, "step": run.diverged.step, "where": Told(run.diverged.layer)}
        sentences: list[Text] = [say("finding.diverged.what", **told), say("finding.diverged.kept")]
        found.append(_finding(say("finding.diverged"), [*sentences, say("finding.diverged.do")]))
    found += [_finding(say("finding.useless"), [Told(each)]) for each in (run.judgement or {}).get("warnings", ())]
    if run.stopped == "interrupted":
        ended = say("finding.interrupted.what", epoch=len(run.history))
        found.append(_finding(say("finding.interrupted"), [ended], "remark"))
    if not run.stopped:
        found.append(_finding(say("finding.unfinished"), [say("finding.unfinished.what")], "remark"))
    return found


def _of_doctor(run: Any) -> list[Finding]:
    """What `Run.diagnose` finds; nothing where there is nothing to judge by."""
    if not hasattr(run, "diagnose"):
        return []
    try:
        diagnosis = run.diagnose()
    except InputError:
        return []
    return [_diagnosed(finding.to_dict()) for finding in diagnosis]


def _diagnosed(own: dict[str, Any]) -> Finding:
    facts: list[tuple[Phrase, Any]] = [(say("findings.where"), Told(own["where"]))]
    if own["measured"] is not None:
        measured = say("findings.measured.as", measure=Told(own["measure"]), measured=short(own["measured"]))
        facts.append((say("findings.measured"), measured))
    if own["threshold"] is not None:
        limit = say("findings.limit", threshold=short(own["threshold"]), source=Told(own["source"]))
        facts.append((say("findings.threshold"), limit))
    facts += [(say("findings.follows"), _consequence(each)) for each in own["consequences"]]
    facts.append((say("findings.expected"), Diagnosed(own["name"], "effect", own["effect"])))
    code = [(say("findings.remedy"), own["remedy"]), (say("findings.command"), own["command"])]
    cause = Diagnosed(own["name"], "cause", own["cause"])
    title = Diagnosed(own["name"], "name", own["name"])
    return _finding(title, [cause], own["severity"], facts=facts, code=[each for each in code if each[1]])


def _consequence(told: str) -> Text:
    """What follows: another finding, by its name, or what was seen."""
    name, colon, where = told.partition(": ")
    if colon and name in CATALOGUE:
        return say("findings.consequence", name=Diagnosed(name, "name", name), where=Told(where))
    return Told(told)
