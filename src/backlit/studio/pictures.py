"""What a network makes of pictures: of one, layer by layer, drawn or of the data; and which it takes for others."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.languages import Template
from backlit.studio.explaining import side_of
from backlit.studio.layers import values_of
from backlit.studio.replies import Reply
from backlit.studio.session import OTHER_ROW, Session
from backlit.studio.side import Side

MOST_MAPS = 32  # feature maps of a layer that are shown
MOST_JUDGED, FEWEST_JUDGED, MOST_WORK = 1000, 50, 3e8  # pictures that are judged at once, and multiply-adds for them
SHOWN = 24  # of those wrongly classified
NO_PICTURES = Template(
    "this data has no pictures: choose the handwritten digits, or drop a zip of class folders",
    "이 데이터에는 그림이 없습니다. 손글씨 숫자를 고르거나, 클래스별 폴더를 담은 zip 파일을 끌어다 놓으세요.",
)
NO_ROW = Template(
    "picture: name a row, or send a picture as an array `pixels`",
    "picture: 행 번호를 주거나, 그림을 `pixels` 배열로 보내세요.",
)
OTHER_PIXELS = Template(
    "picture: pixels must be numbers of shape {shape}, got {got}",
    "picture: 픽셀은 {shape} 모양의 수여야 합니다. 실제: {got}",
)

Arrays = dict[str, np.ndarray]


def pictured_shape(session: Session) -> tuple[int, int, int]:
    """Height, width and channels of the data's pictures."""
    shape = session.first.timeline.rows.picture
    if shape is None:
        raise InputError(NO_PICTURES.say())
    return shape


def picture(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`picture`: what each layer makes of one picture, and the probabilities of the classes."""
    shape, side = pictured_shape(session), side_of(session, message)
    timeline = side.timeline
    drawn, row = arrays.get("pixels"), message.get("row")
    if drawn is not None:
        if drawn.shape != shape or drawn.dtype.kind != "f" or not np.isfinite(drawn).all():
            raise InputError(OTHER_PIXELS.say(shape=str(shape), got=f"{drawn.dtype} {drawn.shape}"))
        x, row = np.clip(drawn, 0, 1).reshape(-1) * timeline.rows.white, None
    else:
        if row is None:
            raise InputError(NO_ROW.say())
        if row >= len(timeline.rows.x):
            raise InputError(OTHER_ROW.say(row=row, rows=len(timeline.rows.x)))
        x = np.asarray(timeline.job.examples.inputs)[row]
    values = side.looks.values(timeline.network, x)
    maps: Arrays = {"pixels": (np.asarray(x, np.float32) / timeline.rows.white).reshape(shape)}
    for column in side.looks.columns[1:]:
        value = values.get(column.path)
        if value is not None and value.ndim in (1, 3):
            maps[f"features/{column.path}"] = value[..., :MOST_MAPS] if value.ndim == 3 else value
    output = np.ravel(values[side.looks.columns[-1].path]).astype(np.float64)
    classes = timeline.rows.classes or []
    told: dict[str, Any] = {
        "type": "pictured", "update": timeline.at, "row": row, "side": message.get("side") or "a",
        "probabilities": output.tolist() if side.looks.output == "softmax" else None,
        "class": int(output.argmax()) if np.isfinite(output).all() and len(output) == len(classes) else None,
        "truth": None if row is None else int(timeline.rows.y[row]),
    }  # fmt: skip
    return [Reply(told, maps)]


def judged(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are judged, those held back before others, and what comes out for each."""
    timeline = side.timeline
    network, held = timeline.network, timeline.held_rows.astype(bool)
    numbers = np.flatnonzero(held) if held.any() else np.arange(len(held))
    cost = max(1, network.architecture.cost(network.input_shape))
    numbers = numbers[: int(np.clip(MOST_WORK // cost, FEWEST_JUDGED, MOST_JUDGED))]
    inputs = np.asarray(timeline.job.examples.inputs)[numbers]
    return numbers, values_of(network, side.looks.columns, inputs, side.looks.output)[side.looks.columns[-1].path]


def mistakes(session: Session, message: dict[str, Any], arrays: Arrays) -> list[Reply]:
    """`mistakes`: pictures whose class isn't the network's, the surest first, and how often each is taken for which."""
    pictured_shape(session)
    side = side_of(session, message)
    timeline = side.timeline
    rows, outputs = judged(side)
    classes = timeline.rows.classes or []
    truth = timeline.rows.y[rows].astype(int)
    taken = outputs.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), np.int32)
    np.add.at(confusion, (truth, taken), 1)
    sure = outputs[np.arange(len(rows)), taken]
    wrong = np.flatnonzero(taken != truth)
    first = wrong[np.argsort(-np.nan_to_num(sure[wrong]), kind="stable")][:SHOWN]
    told = {
        "type": "mistaken", "update": timeline.at, "side": message.get("side") or "a", "judged": len(rows),
        "held": bool(timeline.held_rows.any()), "wrong": len(wrong),
        "rows": rows[first].tolist(), "truth": truth[first].tolist(), "taken": taken[first].tolist(),
        "sure": sure[first].astype(float).tolist() if side.looks.output == "softmax" else None,
    }  # fmt: skip
    return [Reply(told, {"pictures": timeline.rows.pixels(rows[first]), "confusion": confusion})]
