"""Missing inputs: NaN or infinity in the data."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import rows
from backlit.doctor.symptoms import seen
from backlit.languages import Template

_MEASURE = Template("rows with NaN or infinity", "NaN이나 무한대가 있는 데이터")
_SOURCE = Template("one is enough", "하나면 충분")
COUNTED = Sign(Template("{bad} of {rows} rows", "데이터 {rows}개 가운데 {bad}개"), _MEASURE, _SOURCE)
MET = Sign(Template("some rows", "데이터 일부"), _MEASURE, _SOURCE)


def missing(e: Evidence) -> list[Finding]:
    """NaN or infinite inputs."""
    bad = e.data.get("bad_rows", 0)
    if bad:
        return [MISSING_INPUTS.found(COUNTED, float(bad), 0.0, seen(e), bad=bad, rows=e.data["rows"])]
    if e.diverged is not None and e.diverged.kind == "inputs":
        return [MISSING_INPUTS.found(MET, 1.0, 0.0, seen(e))]
    return []


MISSING_INPUTS = Kind(
    name=Template("missing inputs", "입력에 빈 값이 있음"),
    stage=Stage.DATA,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Some inputs are NaN or infinite; one such number makes the loss and then every weight NaN.",
        "입력에 NaN이나 무한대가 있습니다. 하나만 있어도 손실이, 이어서 모든 가중치가 NaN이 됩니다.",
    ),
    remedy="bl.fit(net, x, y, preparation=bl.data.FillGaps().fit(x))  # or leave such rows out, of x and y",
    command="backlit train TABLE --target COLUMN  # fills gaps, and marks them",
    effect=Template("a finite loss from the first step on", "첫 갱신부터 손실이 유한한 값이 됩니다."),
    signs=(COUNTED, MET),
    rules=(missing,),
    repair=rows.filled,
)

KINDS = (MISSING_INPUTS,)
