"""Sequences of which the target's steps are masked or cut off, or whose padding is read as if it were data."""

from __future__ import annotations

from backlit.doctor.evidence import LEARNED, Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.duplicates import CONTRARY
from backlit.doctor.findings.stopped_early import stopped
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import never_better, seen, simple_models_fail, through_time
from backlit.languages import Template

PILED, RAGGED = 0.25, 0.05  # share of rows as wide as can be, where so many at least are shorter
FEWEST_LENGTHS = 3
WORN = 0.25  # of all steps: padding after the last real one
FEWEST_STEPS = 8  # of padding: fewer wear nothing away
FAINT = 0.1  # first third's gradient over the greatest: what was real hardly counts
NOTHING = 0.1  # of the guess's loss got rid of

BEHIND_MASK = Sign(
    Template(
        "{share:.1%} of the rows differ only in what Masked(value={padding:g}) hides",
        "데이터의 {share:.1%}{은/는} Masked(value={padding:g})가 가리는 부분만 다름",
    ),
    Template("rows alike behind the mask, with different targets", "가리고 나면 같은데 정답이 다른 데이터"),
    Template("a twentieth of the rows", "데이터의 20분의 1"),
)
BLANK = Sign(
    Template(
        "{blank} of {steps} steps are the same in all rows", "시점 {steps}개 가운데 {blank}개가 모든 데이터에서 같음"
    ),
    Template("steps without content", "내용이 없는 시점"),
    Template(
        "steps tell something only where rows differ; and nothing was learned from the others",
        "데이터마다 다른 시점만 무언가를 알려 주는데, 나머지 시점에서는 배운 것이 없음",
    ),
)
PILED_UP = Sign(
    Template(
        "{share:.0%} of the sequences have all {steps} steps, the others {others} lengths",
        "시퀀스의 {share:.0%}{은/는} 길이가 {steps}{으로/로} 꽉 차 있고, 나머지는 길이가 {others}가지",
    ),
    Template("share of full width", "길이를 꽉 채운 비율"),
    Template(
        "a quarter of the rows: lengths seldom pile up by themselves",
        "데이터의 4분의 1. 길이가 저절로 한곳에 몰리는 일은 드묾",
    ),
)
READ = Sign(
    Template(
        "layer {layer}: {share:.0%} of its steps are padding ({padding:g}) after the last real one",
        "{layer}번 층: 시점의 {share:.0%}{이/가} 마지막 실제 시점 뒤의 패딩({padding:g})",
    ),
    Template("share of steps", "시점에 대한 비율"),
    Template(
        "a quarter of the steps, where little was learned and hardly any gradient reaches the first ones",
        "시점의 4분의 1. 거의 배우지 못했고 앞 시점까지 기울기가 닿지 않을 때",
    ),
)


def _poor(e: Evidence) -> bool:
    """Whether the network was trained, and has got rid of less than half of the guess's loss."""
    return e.trained and e.diverged is None and (e.skill(e.validated) or 0.0) < LEARNED


def mask(e: Evidence) -> list[Finding]:
    """What a mask or blanked steps leave of the rows can't tell their targets apart."""
    share = e.sequences.get("contrary", 0.0)
    if share > CONTRARY and not e.well:
        values = {"share": share, "padding": e.sequences["padding"]}
        return [MASKED_TARGET.found(BEHIND_MASK, share, CONTRARY, seen(e), **values)]
    blank, steps = e.sequences.get("blank", 0), e.sequences.get("steps", 0)
    learned_nothing = (e.skill(e.validated) or 0.0) < NOTHING and never_better(e) and simple_models_fail(e) is not False
    if blank and _poor(e) and learned_nothing:
        return [MASKED_TARGET.found(BLANK, float(blank), 0.0, seen(e), blank=blank, steps=steps)]
    return []


def cut(e: Evidence) -> list[Finding]:
    """Many rows as wide as can be, beside shorter ones: long sequences were cut there."""
    facts = e.sequences
    if facts.get("whole"):  # the preparation knows that nothing was cut
        return []
    full, lengths = facts.get("full", 0.0), facts.get("lengths", 0)
    if not _poor(e) or _under_way(e) or not PILED <= full <= 1 - RAGGED or lengths < FEWEST_LENGTHS:
        return []
    if facts["before"] + facts["after"] <= 0 or facts.get("inner", 0.0) > facts.get("masked", 1.0) / 2:
        return []  # what looks like padding lies between real steps, too
    values = {"share": full, "steps": facts["steps"], "others": lengths - 1}
    return [TRUNCATED.found(PILED_UP, full, PILED, seen(e), **values)]


def _under_way(e: Evidence) -> bool:
    """Whether as many epochs again might get rid of half of the guess's loss, if it goes on falling as it does."""
    fall = max((finding.measured or 0.0 for finding in stopped(e)), default=0.0)
    return (e.skill(e.validated) or 0.0) + 10 * fall >= LEARNED


def padding(e: Evidence) -> list[Finding]:
    """Padding between the last real step and the state that is used."""
    facts = e.sequences
    if not _poor(e) or "masked" in facts:
        return []
    part = next((part for part in e.parts if part.layer.recurrent), None)
    if part is None or part.skipped or part.layer.return_sequences:  # type: ignore[attr-defined]
        return []
    share = facts.get("before" if part.layer.reverse else "after", 0.0)  # type: ignore[attr-defined]
    if share < WORN or share * facts["steps"] < FEWEST_STEPS:
        return []
    reached = [first for _, first, _ in through_time(e.last)]
    worn = not reached or min(reached) <= FAINT
    values = {"layer": part.path, "share": share, "padding": facts["padding"]}
    severity = "alarm" if worn and not e.well else "remark"
    return [UNMASKED_PADDING.found(READ, share, WORN, seen(e), severity, **values)]


MASKED_TARGET = Kind(
    name=Template("mask hides the target", "정답에 필요한 시점을 마스크가 가림"),
    stage=Stage.SEQUENCES,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Steps are blanked out that the target depends on: what is left is the same for rows with different targets, "
        "or tells nothing of them.",
        "정답을 정하는 시점이 마스크로 가려졌습니다. 남은 부분만 보면 정답이 다른 데이터끼리 같거나, 정답에 대해 알려 "
        "주는 것이 없습니다.",
    ),
    remedy="bl.Masked(bl.LSTM(64), value=-1.0)  # a value that no real step has; fill up with it, too",
    effect=Template("a held-out loss below that of guessing", "평가 손실이 추측보다 낮아집니다."),
    signs=(BEHIND_MASK, BLANK),
    rules=(mask,),
)

TRUNCATED = Kind(
    name=Template("truncated sequences", "잘린 시퀀스"),
    stage=Stage.SEQUENCES,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "Many sequences fill the whole width while others are shorter: the long ones were cut, and what the target "
        "depends on may have been cut off.",
        "길이를 꽉 채운 시퀀스가 많고 나머지는 더 짧습니다. 긴 것이 잘리면서 정답을 정하는 부분까지 잘려 나갔을 수 "
        "있습니다.",
    ),
    remedy="# rows, cut = tokenizer.encode_all(texts): as long as the longest; or keep the other end",
    effect=Template("a held-out loss below that of guessing", "평가 손실이 추측보다 낮아집니다."),
    signs=(PILED_UP,),
    rules=(cut,),
)

UNMASKED_PADDING = Kind(
    name=Template("padding not masked", "패딩(padding)을 가리지 않음"),
    stage=Stage.SEQUENCES,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "After its last real step a sequence goes on with padding, and the recurrent layer reads it: what it knew is "
        "worn away before its last state is used.",
        "실제 시점이 끝난 뒤에도 패딩이 이어지고 순환층이 그것까지 읽습니다. 마지막 상태를 쓸 때쯤에는 기억하던 내용이 "
        "지워집니다.",
    ),
    remedy="bl.Masked(bl.LSTM(64))  # stands still at padding; or fill up in front",
    effect=Template("∂L/∂hₜ that reaches the real steps", "∂L/∂hₜ가 실제 시점까지 전해집니다."),
    signs=(READ,),
    rules=(padding,),
    picture="run.flow()",
    repair=networks.masked,
)

KINDS = (MASKED_TARGET, TRUNCATED, UNMASKED_PADDING)
