"""Source of NaN: a value that left the range of a function."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks, settings
from backlit.doctor.repair.change import Change
from backlit.doctor.symptoms import seen, undefined_somewhere
from backlit.languages import Template
from backlit.train.recipe import Recipe

OVERFLOW = 1e6  # outputs or weights beyond it: then the NaN came from growth, not from an undefined value
USUAL_LEAP = 1.0  # ‖Δw‖ / ‖w‖ of one update, at most, where nothing grows out of bounds
FAR_ABOVE = 10.0  # times the loss of guessing: then it grew

FIRST_BAD = Sign(
    Template("{place}, in epoch {epoch}, step {step}", "{place}, 에포크 {epoch}의 갱신 {step}"),
    Template("NaN or infinite values", "NaN이나 무한대"),
    Template(
        "the first bad value, forward; what entered it was finite",
        "순전파에서 처음 나온 잘못된 값이며, 들어간 값은 유한했음",
    ),
)
BELOW_ZERO = Sign(
    Template("layer {layer}, {activation}, before {loss}", "{layer}번 층 {activation}, 손실 함수 {loss} 앞"),
    Template("outputs below", "이보다 작은 출력"),
    Template("-ln p needs p in (0, 1]", "-ln p에서 p는 0보다 크고 1 이하여야 함"),
    remedy='bl.fit(..., loss="cross_entropy")  # takes scores',
)


def nan(e: Evidence) -> list[Finding]:
    """A layer or loss that made a NaN from finite, ordinary numbers."""
    bad = e.diverged
    if bad is None or bad.kind == "inputs" or not made_from_finite(e):
        return []
    return [SOURCE_OF_NAN.found(FIRST_BAD, None, 0.0, seen(e), place=bad.place, epoch=bad.epoch, step=bad.step)]


def before_any_update(e: Evidence) -> bool:
    """Whether the first forward pass already gave NaN or infinity: then nothing that updates do is at fault."""
    bad = e.diverged
    return bad is not None and (bad.epoch, bad.step) == (1, 1) and bad.kind not in ("parameter", "validation loss")


def made_from_finite(e: Evidence) -> bool:
    """Whether the NaN came from an undefined value rather than from growth: before it, all was of usual size."""
    if e.diverged is None or e.diverged.kind == "parameter":
        return False
    sizes = [
        abs(record[name])
        for record in e.last.get("layers", {}).values()
        for name in ("min", "max")
        if record.get(name) is not None
    ]
    losses = e.column("loss")
    if len(losses) and e.guess and losses[-1] > FAR_ABOVE * e.guess:
        return False
    leap = max((e.ratio(record) or 0.0 for record in [e.start, *e.looks]), default=0.0)
    return undefined_somewhere(e) and max(sizes, default=0.0) <= OVERFLOW and leap < USUAL_LEAP


def _repair(recipe: Recipe, run: object) -> list[Change]:
    return (
        settings.on_scores(recipe, run) or networks.without_source(recipe, run) or settings.slower(recipe, run)
    )  # fmt: skip


SOURCE_OF_NAN = Kind(
    name=Template("source of NaN", "NaN의 발생원"),
    stage=Stage.UPDATES,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "A value left the range of a function (the logarithm of 0, the root of a negative number, 0/0): everything "
        "after it is NaN.",
        "어떤 값이 함수의 정의역을 벗어났습니다(0의 로그, 음수의 제곱근, 0/0). 그 뒤의 값은 모두 NaN이 됩니다.",
    ),
    remedy='with bl.debug_nans(): bl.fit(net, x, y, epochs=1, engine="numpy")'
    "  # names the operation; keep its argument in range, or use a loss on scores",
    effect=Template("a finite loss", "손실이 유한한 값이 됩니다."),
    signs=(FIRST_BAD, BELOW_ZERO),
    rules=(nan,),  # and that of the last layer
    apart=True,
    repair=_repair,
)

KINDS = (SOURCE_OF_NAN,)
