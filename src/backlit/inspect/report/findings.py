"""What to know first: what went wrong with a run, and what the doctor finds."""

from __future__ import annotations

from typing import Any

from backlit.inspect.report.words import Told, say

FACTS = ("where", "measured", "threshold", "cause", "expected")


def findings(run: Any) -> list[dict[str, Any]]:
    """One dict a finding: title, sentences, facts by name, remedy in words, and code."""
    found = []
    if run.diverged:
        told = {"epoch": run.diverged.epoch, "step": run.diverged.step, "where": run.diverged.where}
        sentences = [say("finding.diverged.what", **told), say("finding.diverged.kept"), say("finding.diverged.do")]
        found.append({"title": say("finding.diverged"), "sentences": sentences})
    for warning in (run.judgement or {}).get("warnings", ()):
        found.append({"title": say("finding.useless"), "sentences": [Told(warning)]})
    if run.stopped == "interrupted":
        ended = say("finding.interrupted.what", epoch=len(run.history))
        found.append({"title": say("finding.interrupted"), "sentences": [ended]})
    if not run.stopped:
        found.append({"title": say("finding.unfinished"), "sentences": [say("finding.unfinished.what")]})
    return found
