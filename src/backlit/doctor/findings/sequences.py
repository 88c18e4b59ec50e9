"""Findings about sequences: masks and cuts that hide the target, padding that is read as if it were data."""

from __future__ import annotations

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import LEARNED, Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.findings.fitting import never_better, simple_models_fail, stopped
from backlit.doctor.findings.inputs import CONTRARY
from backlit.doctor.symptoms import seen, through_time

PILED, RAGGED = 0.25, 0.05  # share of rows as wide as can be, where so many at least are shorter
WORN = 0.25  # of all steps: padding after the last real one
FEWEST_STEPS = 8  # of padding: fewer wear nothing away
FAINT = 0.1  # first third's gradient over the greatest: what was real hardly counts


def _poor(e: Evidence) -> bool:
    """Whether the network was trained, and has got rid of less than half of the guess's loss."""
    return e.trained and e.diverged is None and (e.skill(e.held) or 0.0) < LEARNED


def mask(e: Evidence) -> list[Finding]:
    """What a mask or blanked steps leave of the rows can't tell their targets apart."""
    told = e.data.get("sequences") or {}
    if told.get("contrary", 0.0) > CONTRARY and not e.well:
        where = f"{told['contrary']:.1%} of the rows differ only in what Masked(value={told['padding']:g}) hides"
        source = "a twentieth of the rows"
        measure = "rows alike behind the mask, with different targets"
        return [finding("mask hides the target", where, measure, told["contrary"], CONTRARY, source,
                        consequences=seen(e))]  # fmt: skip
    blank, steps = told.get("blank", 0), told.get("steps", 0)
    if blank and _poor(e) and (e.skill(e.held) or 0.0) < 0.1 and _never_learned(e):
        where = f"{blank} of {steps} steps are the same in all rows"
        source = "steps tell something only where rows differ; and nothing was learned from the others"
        return [finding("mask hides the target", where, "steps without content", float(blank), 0.0, source,
                        consequences=seen(e))]  # fmt: skip
    return []


def _never_learned(e: Evidence) -> bool:
    return never_better(e) and simple_models_fail(e) is not False


def cut(e: Evidence) -> list[Finding]:
    """Many rows as wide as can be, beside shorter ones: long sequences were cut there."""
    told = e.data.get("sequences") or {}
    full = told.get("full", 0.0)
    if not _poor(e) or _under_way(e) or not PILED <= full <= 1 - RAGGED or told.get("lengths", 0) < 3:
        return []
    if told["before"] + told["after"] <= 0 or told.get("inner", 0.0) > told.get("masked", 1.0) / 2:
        return []  # what looks like padding lies between real steps, too
    where = f"{full:.0%} of the sequences have all {told['steps']} steps, the others {told['lengths'] - 1} lengths"
    source = "a quarter of the rows: lengths seldom pile up by themselves"
    return [finding("truncated sequences", where, "share of full width", full, PILED, source, consequences=seen(e))]


def _under_way(e: Evidence) -> bool:
    """Whether as many epochs again might get rid of half of the guess's loss, if it goes on falling as it does."""
    fall = max((own.measured or 0.0 for own in stopped(e)), default=0.0)
    return (e.skill(e.held) or 0.0) + 10 * fall >= LEARNED


def padding(e: Evidence) -> list[Finding]:
    """Padding between the last real step and the state that is used."""
    told = e.data.get("sequences") or {}
    if not _poor(e) or e.well or "masked" in told:
        return []
    layer = next((own for own in e.parts if own.layer.recurrent), None)
    if layer is None or layer.skipped or layer.layer.return_sequences:  # type: ignore[attr-defined]
        return []
    share = told.get("before" if layer.layer.reverse else "after", 0.0)  # type: ignore[attr-defined]
    if share < WORN or share * told["steps"] < FEWEST_STEPS:
        return []
    reached = [first for path, first, _ in through_time(e.last)]
    if reached and min(reached) > FAINT:
        return []
    where = f"layer {layer.path}: {share:.0%} of its steps are padding ({told['padding']:g}) after the last real one"
    source = "a quarter of the steps, where little was learned and hardly any gradient reaches the first ones"
    return [finding("padding not masked", where, "share of steps", share, WORN, source, consequences=seen(e))]


RULES = (mask, cut, padding)
