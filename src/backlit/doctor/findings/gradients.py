"""Findings about gradients on their way back: through layers, and through time."""

from __future__ import annotations

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.findings.fitting import decay
from backlit.doctor.findings.rates import low, undefined_somewhere
from backlit.doctor.symptoms import seen, spread_of_gradient, through_time

GONE, GONE_FOR_CERTAIN = 1e-2, 1e-5  # first layer's gradient over the last one's: with nothing learned; in any case
NOTHING = 0.1  # of the guess's loss got rid of
GROWN = 100.0  # first layer's gradient over the last one's, before training
GONE_IN_TIME = 1e-2  # first steps' gradient over the greatest
GROWN_IN_TIME = 100.0  # first third's gradient over the last third's
SIGMOIDS = ("Sigmoid",)
_SLOPE = "each sigmoid passes at most 1/4: Hochreiter 1991, Glorot & Bengio 2010"
_TIME = "Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013"


def layers(e: Evidence) -> list[Finding]:
    """A gradient that doesn't reach the first layers."""
    if e.fitted:
        return []
    found = [spread_of_gradient(e, record) for record in (e.start, e.last) if record]
    known = [spread for spread in found if spread is not None]
    limit = GONE if e.trained else GONE_FOR_CERTAIN
    if not known or max(known) > limit:
        return []
    worst = known[0]
    sigmoids = [part.path for part in e.parts if part.kind in SIGMOIDS]
    many = len(sigmoids) >= 2
    name = "saturating activations in depth" if many else "gradient vanishes through layers"
    where = (
        f"layers {sigmoids[0]} to {sigmoids[-1]}" if many else f"layers {e.weighted[0].path} to {e.weighted[-1].path}"
    )
    return [finding(name, where, "gradient at first layer / last", worst, limit, _SLOPE, consequences=seen(e))]


def growing(e: Evidence) -> list[Finding]:
    """A gradient that grows from layer to layer on its way back, from the start."""
    spread = spread_of_gradient(e, e.start) if e.start and e.trained and not e.fitted else None
    if spread is None or spread < GROWN:
        return []
    where = f"layers {e.weighted[0].path} to {e.weighted[-1].path}"
    measure, source = "gradient at first layer / last, at the start", "near 1 in Glorot & Bengio 2010"
    name = "gradient explodes through layers"
    return [finding(name, where, measure, spread, GROWN, source, consequences=seen(e))]


def time(e: Evidence) -> list[Finding]:
    """A gradient that vanishes, or explodes, from step to step."""
    if e.fitted or not e.trained or decay(e) or low(e):
        return []  # weights that were shrunk pass no gradient; those that never moved may have learned to
    if e.diverged is not None and (e.diverged.epoch, e.diverged.step) <= (1, 1) and e.start.get("loss") is None:
        states = next((part for part in e.parts if part.layer.recurrent), None)
        if states is not None and not undefined_somewhere(e) and not e.data.get("bad_rows"):
            where = f"layer {states.path}: its states overflow before the first update"
            measure, name = "first loss", "gradient explodes through time"
            return [finding(name, where, measure, None, GROWN_IN_TIME, _TIME, consequences=seen(e))]
    now, before = through_time(e.last), {path: own for path, *own in through_time(e.start)}
    for path, first, halves in now:
        at_start = before.get(path, [first, halves])
        if max(halves, at_start[1]) > GROWN_IN_TIME:
            measure, value = "first third's ‖∂L/∂hₜ‖ / last third's", max(halves, at_start[1])
            name = "gradient explodes through time"
            return [finding(name, f"layer {path}", measure, value, GROWN_IN_TIME, _TIME, consequences=seen(e))]
        if max(first, at_start[0]) < GONE_IN_TIME:
            measure = "first steps' ‖∂L/∂hₜ‖ / the greatest"
            name = "gradient vanishes through time"
            return [finding(name, f"layer {path}", measure, first, GONE_IN_TIME, _TIME, consequences=seen(e))]
    return []


def lost(e: Evidence) -> list[Finding]:
    """A gradient that reached the first steps at the start, and doesn't any more."""
    if e.fitted or not e.trained or e.diverged is not None or (e.skill(e.held) or 0.0) > NOTHING:
        return []
    for path, first, _ in through_time(e.last):
        if first < GONE_IN_TIME:
            measure = "first steps' ‖∂L/∂hₜ‖ / the greatest, at the end"
            name = "gradient vanishes through time"
            return [finding(name, f"layer {path}", measure, first, GONE_IN_TIME, _TIME, consequences=seen(e))]
    return []


RULES = (layers, growing, time)
FALLBACK = (lost,)  # where nothing else explains why little was learned
