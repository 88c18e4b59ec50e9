"""Outputs that depend on which other rows are predicted with a row."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.symptoms import seen
from backlit.languages import Template

OFF = 1e-3  # of the outputs' size; the order of sums in 32 bits makes a thousandth of it

TOGETHER = Sign(
    Template("a row predicted alone, and among others", "데이터 하나만 예측할 때와 다른 것과 함께 예측할 때"),
    Template("greatest difference, of the outputs' size", "가장 큰 차이(출력 크기에 대한 비율)"),
    Template("a thousandth: rounding makes far less", "천분의 1. 반올림으로는 그보다 훨씬 작음"),
)


def dependent(e: Evidence) -> list[Finding]:
    """A row's output, in evaluation, changes with the rows beside it."""
    off = e.data.get("alone") or 0.0
    return [DEPENDENT.found(TOGETHER, off, OFF, seen(e))] if off > OFF else []


DEPENDENT = Kind(
    name=Template("batch-dependent outputs", "함께 있는 데이터에 따라 달라지는 출력"),
    stage=Stage.OUTPUT,
    place=5,
    role=Role.CAUSE,
    cause=Template(
        "A row's output depends on which rows are predicted with it: some operation goes along the rows' axis, the "
        "first, in place of the numbers' own.",
        "같은 데이터라도 무엇과 함께 예측하느냐에 따라 출력이 달라집니다. 어떤 연산이 값의 축이 아니라 데이터의 축(첫 "
        "번째 축)을 따라 계산합니다.",
    ),
    remedy="# in the layer: bl.ops.softmax(x, axis=-1), along the last axis and not along the rows",
    effect=Template("the same output for a row, alone and among others", "데이터 하나의 출력이 언제나 같습니다."),
    signs=(TOGETHER,),
    rules=(dependent,),
)

KINDS = (DEPENDENT,)
