"""Leaking column: an input that is the target."""

from __future__ import annotations

from typing import Any

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.languages import Template

ALONE = 0.98

COLUMN = Sign(
    Template("column {column}", "{column}번 열"),
    Template("agreement with the target", "정답과 일치하는 정도"),
    Template(
        "one column alone that names the class, or is the number but for shift and scale",
        "열 하나만으로 클래스가 정해지거나, 평행 이동과 배율을 빼면 목푯값 그대로임",
    ),
)


def leaking(e: Evidence) -> list[Finding]:
    """A column that alone is as good as the target."""
    facts: dict[str, Any] = e.data.get("leaking") or {}
    if not facts:
        return []
    return [LEAKING.found(COLUMN, facts["agreement"], ALONE, (), "remark", column=facts["column"])]


LEAKING = Kind(
    name=Template("leaking column", "정답이 담긴 열"),
    stage=Stage.DATA,
    place=5,
    role=Role.FACT,
    cause=Template(
        "One input column alone is as good as the target. If it isn't known before the target is, the score is "
        "worth nothing.",
        "입력 열 하나가 정답이나 다름없습니다. 정답보다 먼저 알 수 있는 값이 아니라면 점수는 의미가 없습니다.",
    ),
    remedy="# x = np.delete(x, column, axis=1), unless it is known when you predict",
    command="backlit train TABLE --target COLUMN  # with the column left out",
    effect=Template("a lower, honest score", "점수는 낮아지지만 믿을 수 있게 됩니다."),
    signs=(COLUMN,),
    rules=(leaking,),
)

KINDS = (LEAKING,)
