"""Constant columns: inputs that never change."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import inputs
from backlit.languages import Template

SHOWN = 5  # numbers of columns that are named

COLUMNS = Sign(
    Template("{count} of {columns} columns ({shown})", "열 {columns}개 가운데 {count}개({shown})"),
    Template("columns", "열의 수"),
    Template("none should be", "하나도 없어야 함"),
)


def constant(e: Evidence) -> list[Finding]:
    """Columns that never change; only an alarm if all are so."""
    count, columns = e.inputs.get("constant", 0), e.inputs.get("columns", 0)
    if not count:
        return []
    shown = ", ".join(map(str, e.inputs.get("constant_columns", [])[:SHOWN])) + (", …" if count > SHOWN else "")
    severity = "alarm" if count == columns and len(e.network.input_shape) == 1 else "remark"
    return [
        CONSTANT_COLUMNS.found(
            COLUMNS, float(count), 0.0, severity=severity, count=count, columns=columns, shown=shown
        )
    ]  # fmt: skip


CONSTANT_COLUMNS = Kind(
    name=Template("constant columns", "값이 변하지 않는 열"),
    stage=Stage.SCALE,
    place=2,
    role=Role.FACT,
    cause=Template(
        "Some input columns never change: they tell nothing, and act as a second bias.",
        "값이 전혀 변하지 않는 입력 열이 있습니다. 알려 주는 것 없이 또 하나의 편향처럼 작용합니다.",
    ),
    remedy="x = x[:, x.std(axis=0) > 0]",
    of_one="x[{name!r}] = x[{name!r}][:, x[{name!r}].std(axis=0) > 0]",
    command="backlit train TABLE --target COLUMN  # leaves them out",
    effect=Template("the same with fewer weights", "더 적은 가중치로 같은 결과를 얻습니다."),
    signs=(COLUMNS,),
    rules=(constant,),
    repair=inputs.without_constants,
)

KINDS = (CONSTANT_COLUMNS,)
