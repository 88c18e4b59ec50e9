"""Gradients on their way back through time: they vanish, or explode."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.decay import decay
from backlit.doctor.findings.learning_rate import low
from backlit.doctor.repair import networks, settings
from backlit.doctor.repair.change import Change
from backlit.doctor.symptoms import seen, through_time, undefined_somewhere
from backlit.languages import Template, join
from backlit.train.recipe import Recipe

GONE = 1e-2  # first steps' gradient over the greatest
GROWN = 100.0  # first third's gradient over the last third's
NOTHING = 0.1  # of the guess's loss got rid of

_LAYER = Template("layer {layer}", "{layer}번 층")
_SOURCE = Template(
    "Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013",
    "Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013",
)
FAINT = Sign(
    _LAYER,
    Template("first steps' ‖∂L/∂hₜ‖ / the greatest", "앞 시점의 ‖∂L/∂hₜ‖ / 가장 큰 값"),
    _SOURCE,
)
FAINT_AT_THE_END = Sign(
    _LAYER,
    Template("first steps' ‖∂L/∂hₜ‖ / the greatest, at the end", "학습 뒤, 앞 시점의 ‖∂L/∂hₜ‖ / 가장 큰 값"),
    _SOURCE,
)
STRONG = Sign(
    _LAYER,
    Template("first third's ‖∂L/∂hₜ‖ / last third's", "앞 3분의 1의 ‖∂L/∂hₜ‖ / 뒤 3분의 1의 값"),
    _SOURCE,
)
OVERFLOWN = Sign(
    Template(
        "layer {layer}: its states overflow before the first update", "{layer}번 층: 첫 갱신 전에 상태가 넘침(overflow)"
    ),
    Template("first loss", "첫 손실"),
    _SOURCE,
)


def time(e: Evidence) -> list[Finding]:
    """A gradient that vanishes, or explodes, from step to step."""
    if e.fitted or not e.trained or decay(e) or low(e):
        return []  # weights that were shrunk pass no gradient; those that never moved may have learned to
    at_once = e.diverged is not None and (e.diverged.epoch, e.diverged.step) <= (1, 1)
    if at_once and e.start.get("loss") is None:
        states = next((part for part in e.parts if part.layer.recurrent), None)
        if states is not None and not undefined_somewhere(e) and not e.data.get("bad_rows"):
            return [EXPLODING.found(OVERFLOWN, None, GROWN, seen(e), layer=states.path)]
    before = {path: ratios for path, *ratios in through_time(e.start)}
    for path, first, halves in through_time(e.last):
        first_at_start, halves_at_start = before.get(path, [first, halves])
        most = max(halves, halves_at_start)
        if most > GROWN:
            return [EXPLODING.found(STRONG, most, GROWN, seen(e), layer=path)]
        if max(first, first_at_start) < GONE:
            return [VANISHING.found(FAINT, first, GONE, seen(e), layer=path)]
    return []


def lost(e: Evidence) -> list[Finding]:
    """A gradient that reached the first steps at the start, and doesn't any more."""
    if e.fitted or not e.trained or e.diverged is not None or (e.skill(e.validated) or 0.0) > NOTHING:
        return []
    for path, first, _ in through_time(e.last):
        if first < GONE:
            return [VANISHING.found(FAINT_AT_THE_END, first, GONE, seen(e), layer=path)]
    return []


def _repair(recipe: Recipe, run: object) -> list[Change]:
    """Gates, or an orthogonal start; and with gates larger steps for longer: what is far back is found late."""
    gated = networks.remembering(recipe, run)
    changes = [*gated, *networks.tamed(recipe, run)]
    for change in gated[:1]:
        more = settings.patient(change.recipe)
        changes += [
            Change(join(", ", [change.words, more.words, rate.words]), rate.recipe)
            for rate in settings.rates(more.recipe, (10.0, 30.0))
        ]
    return changes


_EFFECT = Template("∂L/∂hₜ of like size at all steps", "모든 시점에서 ∂L/∂hₜ가 비슷한 크기가 됩니다.")

VANISHING = Kind(
    name=Template("gradient vanishes through time", "시간을 거슬러 가며 기울기가 사라짐(vanishing gradient)"),
    stage=Stage.FLOW,
    place=3,
    role=Role.CAUSE,
    cause=Template(
        "From step to step back in time the state's gradient shrinks by the recurrent weights and the activation's "
        "slope: what came early can't be learned.",
        "시간을 거슬러 갈수록 순환 가중치와 활성 함수 때문에 상태의 기울기가 줄어, 앞부분의 정보를 배우지 못합니다.",
    ),
    remedy="bl.LSTM(64)  # or bl.GRU(64), in place of bl.RNN(64)",
    command="--network lstm:64",
    effect=_EFFECT,
    signs=(FAINT, FAINT_AT_THE_END),
    rules=(time,),
    fallback=(lost,),
    picture="run.flow()",
    repair=_repair,
)

EXPLODING = Kind(
    name=Template("gradient explodes through time", "시간을 거슬러 가며 기울기가 폭발함(exploding gradient)"),
    stage=Stage.FLOW,
    place=4,
    role=Role.CAUSE,
    cause=Template(
        "From step to step back in time the state's gradient grows by the recurrent weights: single updates undo "
        "what was learned.",
        "시간을 거슬러 갈수록 순환 가중치 때문에 상태의 기울기가 커져, 갱신 한 번에 그동안 배운 것이 사라집니다.",
    ),
    remedy='bl.RNN(64, recurrent_init="orthogonal"); bl.fit(..., clip=1.0)',
    command="--network lstm:64",
    effect=_EFFECT,
    signs=(STRONG, OVERFLOWN),
    rules=(time,),
    picture="run.flow()",
    repair=_repair,
)

KINDS = (VANISHING, EXPLODING)
