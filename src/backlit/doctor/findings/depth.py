"""Gradients on their way back through layers: they vanish, or explode."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import seen, spread_of_gradient
from backlit.languages import Template
from backlit.nn.layers.activations import Sigmoid

GONE, GONE_FOR_CERTAIN = 1e-2, 1e-5  # first layer's gradient over the last one's: with nothing learned; in any case
GROWN = 100.0  # first layer's gradient over the last one's, before training
MANY = 2  # sigmoids

_LAYERS = Template("layers {first} to {last}", "{first}번 층부터 {last}번 층까지")
VANISHED = Sign(
    _LAYERS,
    Template("gradient at first layer / last", "첫 층의 기울기 / 마지막 층의 기울기"),
    Template(
        "each sigmoid passes at most 1/4: Hochreiter 1991, Glorot & Bengio 2010",
        "시그모이드는 많아야 1/4을 넘겨줌: Hochreiter 1991, Glorot & Bengio 2010",
    ),
)
FADED = Sign(
    _LAYERS,
    VANISHED.measure,
    Template(
        "near 1 where layers keep a gradient's size: Glorot & Bengio 2010",
        "층이 기울기의 크기를 유지하면 1에 가까움: Glorot & Bengio 2010",
    ),
)
EXPLODED = Sign(
    _LAYERS,
    Template("gradient at first layer / last, at the start", "학습 전, 첫 층의 기울기 / 마지막 층의 기울기"),
    Template("near 1 in Glorot & Bengio 2010", "Glorot & Bengio 2010에서는 1에 가까움"),
)


def layers(e: Evidence) -> list[Finding]:
    """A gradient that doesn't reach the first layers."""
    if e.fitted:
        return []
    spreads = [spread_of_gradient(e, record) for record in (e.start, e.last) if record]
    known = [spread for spread in spreads if spread is not None]
    limit = GONE if e.trained else GONE_FOR_CERTAIN
    if not known or max(known) > limit:
        return []
    sigmoids = [part.path for part in e.parts if isinstance(part.layer, Sigmoid)]
    if len(sigmoids) >= MANY:
        return [SATURATING.found(VANISHED, known[0], limit, seen(e), first=sigmoids[0], last=sigmoids[-1])]
    return [VANISHING.found(FADED, known[0], limit, seen(e), **_ends(e))]


def growing(e: Evidence) -> list[Finding]:
    """A gradient that grows from layer to layer on its way back, from the start."""
    spread = spread_of_gradient(e, e.start) if e.start and e.trained and not e.fitted else None
    if spread is None or spread < GROWN:
        return []
    return [EXPLODING.found(EXPLODED, spread, GROWN, seen(e), **_ends(e))]


def _ends(e: Evidence) -> dict[str, str]:
    return {"first": e.weighted[0].path, "last": e.weighted[-1].path}


_EFFECT = Template("gradients of like size in all layers", "모든 층의 기울기가 비슷한 크기가 됩니다.")

SATURATING = Kind(
    name=Template("saturating activations in depth", "포화되는 활성 함수를 여러 겹 쌓음"),
    stage=Stage.FLOW,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Each sigmoid passes at most a quarter of the gradient (and a saturated one nothing): after several of them "
        "hardly any reaches the first layers.",
        "시그모이드(sigmoid)는 기울기를 많아야 4분의 1만 전하고, 포화되면 전혀 전하지 않습니다. 여러 겹을 지나면 첫 "
        "층에는 거의 닿지 않습니다.",
    ),
    remedy='bl.Sequential(bl.Linear(64, weight_init="kaiming"), bl.ReLU())  # in place of the sigmoids',
    command="--activation relu",
    effect=_EFFECT,
    signs=(VANISHED,),
    rules=(layers,),
    picture="run.flow()",
    repair=networks.flowing,
)

VANISHING = Kind(
    name=Template("gradient vanishes through layers", "층을 거치며 기울기가 사라짐(vanishing gradient)"),
    stage=Stage.FLOW,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "The network is too deep for its activations: each layer passes less gradient to the one before it.",
        "활성 함수에 비해 신경망이 너무 깊어, 앞 층으로 갈수록 기울기가 줄어듭니다.",
    ),
    remedy="bl.Residual(bl.Linear(64), bl.ReLU())  # or bl.LayerNorm() before activations",
    command="--network resnet:8",
    effect=_EFFECT,
    signs=(FADED,),
    rules=(layers,),
    picture="run.flow()",
    repair=networks.flowing,
)

EXPLODING = Kind(
    name=Template("gradient explodes through layers", "층을 거슬러 오며 기울기가 폭발함"),
    stage=Stage.FLOW,
    place=2,
    role=Role.CAUSE,
    cause=Template(
        "Each layer passes more gradient to the one before it than it gets: over the depth it grows without bound.",
        "층마다 받은 것보다 큰 기울기를 앞 층으로 넘깁니다. 깊어질수록 끝없이 커집니다.",
    ),
    remedy='bl.fit(..., clip=1.0)  # weight_init="kaiming", or bl.LayerNorm() before activations',
    command="--network resnet:8",
    effect=_EFFECT,
    signs=(EXPLODED,),
    rules=(growing,),
    picture="run.flow()",
)

KINDS = (SATURATING, VANISHING, EXPLODING)
