"""Layers that stand still: weights without a gradient, or with one but without updates."""

from __future__ import annotations

from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import networks
from backlit.doctor.symptoms import dead, seen
from backlit.languages import Template
from backlit.nn.layers.activations import Softmax

SHOWN = 4  # paths that are told

_PATHS = Template("{paths}", "{paths}")
_PATHS_AND_MORE = Template("{paths} and {more} more", "{paths} 외 {more}개")
_NO_GRADIENT = Template("‖∂L/∂w‖", "‖∂L/∂w‖"), Template("exactly 0 at every look", "볼 때마다 정확히 0")
_NO_UPDATE = (
    Template("‖Δw‖ / ‖w‖", "‖Δw‖ / ‖w‖"),
    Template("exactly 0 at every look, with a gradient that isn't", "볼 때마다 정확히 0이지만 기울기는 0이 아님"),
)
OF_ONE = Sign(
    Template(
        "layer {layer} ({kind}) gives the same for all rows", "{layer}번 층({kind})의 출력이 모든 데이터에서 같음"
    ),
    Template("numbers that it works on together", "한꺼번에 다루는 값의 수"),
    Template("x - mean(x) = 0 and e^x / e^x = 1, of one number", "값이 하나면 x - mean(x) = 0, e^x / e^x = 1"),
    remedy="print(net)  # leave that layer out, or let it have more units before it",
)
SILENT, MANY_SILENT = Sign(_PATHS, *_NO_GRADIENT), Sign(_PATHS_AND_MORE, *_NO_GRADIENT)
STILL, MANY_STILL = Sign(_PATHS, *_NO_UPDATE), Sign(_PATHS_AND_MORE, *_NO_UPDATE)


def constant(e: Evidence) -> list[Finding]:
    """A layer that takes its only number's mean off it, or divides it by itself: what comes before can't be seen."""
    last = e.last_part  # of a softmax there something else is said
    for part in e.parts:
        if networks.of_one_number(part) and not (part is last and isinstance(part.layer, Softmax)):
            values = {"layer": part.path or "network", "kind": part.kind}
            return [UNCONNECTED.found(OF_ONE, 1.0, 2.0, seen(e), "remark" if e.well else "alarm", **values)]
    return []


def unconnected(e: Evidence) -> list[Finding]:
    """Weights with a gradient of exactly zero at every look."""
    if constant(e):
        return []
    records = [e.start, *e.looks] if e.start.get("params") else e.looks
    records = [record for record in records if "gradient_norm" in next(iter(record.get("params", {}).values()), {})]
    if not records or e.diverged is not None or dead(records[0])[1] == 1.0:
        return []
    silent = [
        path
        for path in records[0]["params"]
        if path.rsplit("/", 1)[-1] == "weight"
        and all(record["params"].get(path, {}).get("gradient_norm") == 0 for record in records)
    ]
    starts = e.start.get("weights", {}).values()
    if not silent or any(start.get("rms") == 0 and "alike" in start for start in starts):
        return []
    sign = MANY_SILENT if len(silent) > SHOWN else SILENT
    return [UNCONNECTED.found(sign, 0.0, 0.0, seen(e), **_shown(silent))]


def frozen(e: Evidence) -> list[Finding]:
    """Weights that have a gradient, but never an update, while others move."""
    records = [look["params"] for look in e.looks if look.get("params")]
    if not records or e.diverged is not None:
        return []
    weights = [path for path in records[0] if path.rsplit("/", 1)[-1] == "weight"]
    still = [path for path in weights if all(_still(params.get(path, {})) for params in records)]
    if not still or len(still) == len(weights):
        return []  # if none moves, it is the learning rate
    severity = "remark" if e.well else "alarm"  # it may be meant so
    sign = MANY_STILL if len(still) > SHOWN else STILL
    return [FROZEN.found(sign, 0.0, 0.0, seen(e), severity, **_shown(still))]


def _still(record: dict[str, Any]) -> bool:
    return bool(record.get("gradient_norm")) and record.get("update_ratio") == 0


def _shown(paths: list[str]) -> dict[str, Any]:
    return {"paths": ", ".join(paths[:SHOWN]), "more": len(paths) - SHOWN}


UNCONNECTED = Kind(
    name=Template("unconnected layer", "연결되지 않은 층"),
    stage=Stage.CONNECTION,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "A layer's weights get a gradient of exactly zero: nothing that the loss sees depends on them.",
        "어떤 층의 가중치가 받는 기울기가 정확히 0입니다. 손실에 아무 영향을 주지 않습니다.",
    ),
    remedy="print(net)  # is the layer's output used, and is everything after it differentiable (no Step)?",
    effect=Template("a gradient other than 0", "기울기가 0이 아니게 됩니다."),
    signs=(OF_ONE, SILENT, MANY_SILENT),
    rules=(constant, unconnected),
    picture="run.flow()",
    repair=networks.connected,
)

FROZEN = Kind(
    name=Template("frozen layer", "갱신되지 않는 층"),
    stage=Stage.CONNECTION,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "A layer's weights get a gradient, but no update: the optimizer leaves them as they are.",
        "가중치에 기울기는 오지만 갱신되지 않습니다. 옵티마이저가 이 층을 그대로 둡니다.",
    ),
    remedy="bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))  # one that moves all parameters",
    effect=Template("weights that change from epoch to epoch", "에포크마다 가중치가 바뀝니다."),
    signs=(STILL, MANY_STILL),
    rules=(frozen,),
    picture="run.flow()",
)

KINDS = (UNCONNECTED, FROZEN)
