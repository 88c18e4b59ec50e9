"""Rows that occur twice: in training and held-out rows, or with different targets."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.findings.order import tokens
from backlit.languages import Template

SHARED = 0.01  # of the held-out rows, beyond what chance makes
MANY = 0.2  # of the held-out rows: too many, even where rows repeat within the training rows
FEWEST_SHARED = 3  # rows
CONTRARY = 0.05  # of the rows, beyond what chance makes
FEWEST_CONTRARY = 6  # rows: one pair, or two, in a small table is an accident

HELD_OUT = Sign(
    Template("{share:.1%} of the held-out rows", "평가 데이터의 {share:.1%}"),
    Template("share of held-out rows", "평가 데이터에 대한 비율"),
    Template(
        "1 %, and three times as many as are equal by chance",
        "1 %, 그리고 우연히 같아지는 만큼의 세 배",
    ),
)
DISAGREEING = Sign(
    Template("{share:.1%} of the rows", "데이터의 {share:.1%}"),
    Template("share of rows", "데이터에 대한 비율"),
    Template(
        "5 %, and three times as many as are equal by chance",
        "5 %, 그리고 우연히 같아지는 만큼의 세 배",
    ),
)


def leak(e: Evidence) -> list[Finding]:
    """Held-out rows that were trained on."""
    shared = e.data.get("shared")
    if not shared:
        return []
    twins = e.data.get("twins") or {}
    usual = 2 * twins.get("repeated", 0.0)  # a table may simply hold equal rows
    limit = max(SHARED + 3 * shared["chance"], usual if twins.get("natural") else min(usual, MANY))
    if shared["count"] < FEWEST_SHARED or shared["share"] <= limit or (contrary(e) and usual >= shared["share"]):
        return []
    return [LEAK.found(HELD_OUT, shared["share"], limit, share=shared["share"])]


def contrary(e: Evidence) -> list[Finding]:
    """Equal rows with different targets, where equal rows aren't the rule."""
    twins = e.data.get("twins")
    if not twins or tokens(e):
        return []  # of texts of one token only the length is left: they are equal for that
    limit = CONTRARY + 3 * twins["chance"]
    if twins["contrary"] <= limit or twins["contrary"] * e.data["rows"] < FEWEST_CONTRARY:
        return []
    severity = "remark" if twins.get("natural") else "alarm"  # where few rows can be, answers are told by chance
    return [
        CONTRARY_DUPLICATES.found(DISAGREEING, twins["contrary"], limit, severity=severity, share=twins["contrary"])
    ]


LEAK = Kind(
    name=Template("leak between splits", "학습 데이터가 평가 데이터로 샘(leak)"),
    stage=Stage.DATA,
    place=1,
    role=Role.FACT,
    cause=Template(
        "Held-out rows are training rows, too: the held-out score tells what was memorised.",
        "평가용으로 떼어 둔 데이터가 학습 데이터에도 들어 있어, 평가 점수가 외운 정도를 나타냅니다.",
    ),
    remedy="x, first = np.unique(x, axis=0, return_index=True); y = y[first]  # before splitting",
    command="backlit train TABLE --target COLUMN --text COLUMN  # keeps equal texts in one part",
    effect=Template("a lower, honest held-out score", "점수는 낮아지지만 믿을 수 있게 됩니다."),
    signs=(HELD_OUT,),
    rules=(leak,),
)

CONTRARY_DUPLICATES = Kind(
    name=Template("contrary duplicates", "입력은 같고 정답이 다른 데이터"),
    stage=Stage.DATA,
    place=2,
    role=Role.FACT,
    cause=Template(
        "The same inputs occur with different targets: no function can give both.",
        "같은 입력에 서로 다른 정답이 붙어 있습니다. 어떤 함수도 둘 다 맞힐 수 없습니다.",
    ),
    remedy="rows, place = np.unique(x, axis=0, return_inverse=True); "
    "groups = [y[place.ravel() == i].tolist() for i in range(len(rows))]; "
    "y = np.array([max(set(own), key=own.count) for own in groups]); "
    "x = rows  # the commonest target of each row; of numbers better the mean",
    effect=Template(
        "a training loss that can reach the noise's floor", "학습 손실이 잡음의 하한까지 내려갈 수 있습니다."
    ),
    signs=(DISAGREEING,),
    rules=(contrary,),
)

KINDS = (LEAK, CONTRARY_DUPLICATES)
