"""Inputs off scale or off centre, in front of the first weights."""

from __future__ import annotations

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding, Kind, Role, Sign, Stage
from backlit.doctor.repair import inputs
from backlit.doctor.symptoms import seen
from backlit.languages import Template
from backlit.nn.layers.normalization import BatchNorm, LayerNorm
from backlit.nn.layers.rescale import Rescale

LARGE, VERY_LARGE = 4.0, 10.0  # standard deviation of the columns: trouble if nothing is learned; in any case
SMALL, VERY_SMALL = 0.1, 0.03
APART = 10.0  # the largest column's size over the median one's
OFF, FAR_OFF = 2.0, 4.0  # |mean| / std of the middle column; numbers spread evenly over [0, 1] have 1.7
HOPELESS = 10.0  # likewise: a quadratic loss is 1 + 10² times as curved along the mean as across it
ONE_SIGNED = 0.5  # of the first layer's units
NORMS = (BatchNorm, LayerNorm, Rescale)

_LECUN = Template(
    "inputs of mean 0 and variance 1: LeCun et al., Efficient BackProp, 1998",
    "입력은 평균 0, 분산 1이 좋음: LeCun et al., Efficient BackProp, 1998",
)
_DEVIATION = Template("standard deviation", "표준 편차")
OFF_CENTRE = Sign(
    Template(
        "the middle column's mean is {offset:.3g} standard deviations from 0",
        "가운데 열의 평균이 0에서 표준 편차의 {offset:.3g}배 떨어져 있음",
    ),
    Template("|mean| / std", "|평균| / 표준 편차"),
    _LECUN,
)
TOO_LARGE = Sign(
    Template(
        "columns' standard deviations from {least:.3g} to {most:.3g}", "열의 표준 편차가 {least:.3g}에서 {most:.3g}까지"
    ),
    _DEVIATION,
    _LECUN,
)
TOO_SMALL = Sign(
    Template("columns' standard deviations up to {most:.3g}", "열의 표준 편차가 커야 {most:.3g}"), _DEVIATION, _LECUN
)
ZIG_ZAG = Template(
    "{share:.0%} of the first layer's units get gradients of one sign: they zig-zag",
    "첫 층 유닛의 {share:.0%}{이/가} 부호가 같은 기울기를 받아 지그재그로 움직임",
)


def scale(e: Evidence) -> list[Finding]:
    """Inputs far from unit variance, or far from mean 0, in front of the first weights."""
    columns = e.inputs
    if "std" not in columns or not e.weighted:
        return []
    place = e.parts.index(e.weighted[0])
    before, after = e.parts[:place], e.follows(e.weighted[0])[:1]
    if any(isinstance(part.layer, NORMS) for part in (*before, *after)):
        return []  # whatever comes in, the network scales it
    strict = e.well or not e.trained  # what is learned well is told as a remark, if at all
    large, small, off = (VERY_LARGE, VERY_SMALL, FAR_OFF) if strict else (LARGE, SMALL, OFF)
    severity = "remark" if e.well else "alarm"
    std, apart = columns["std"], columns["most_rms"] / max(columns["median_rms"], 1e-30)
    least, most = columns["least_std"], columns["most_std"]
    follows = seen(e)
    if columns["offset"] > off and columns["most_rms"] > off * 0.5 and std <= large:
        signed = e.start.get("params", {}).get(f"{e.weighted[0].path}/weight", {}).get("one_signed") or 0.0
        if signed >= ONE_SIGNED:
            follows += (ZIG_ZAG.of(share=signed),)
        offset = columns["offset"]
        if not e.trained and offset <= HOPELESS:
            severity = "remark"  # iris in centimetres has 4.5, and trains well
        return [OFF_CENTRE_INPUTS.found(OFF_CENTRE, offset, off, follows, severity, offset=offset)]
    if std > large or (apart > APART and most > large):
        return [UNSCALED_INPUTS.found(TOO_LARGE, std, large, follows, severity, least=least, most=most)]
    if columns["most_rms"] < small:
        return [UNSCALED_INPUTS.found(TOO_SMALL, std, small, follows, severity, most=most)]
    return []


UNSCALED_INPUTS = Kind(
    name=Template("unscaled inputs", "입력의 크기를 맞추지 않음"),
    stage=Stage.SCALE,
    place=0,
    role=Role.CAUSE,
    cause=Template(
        "Inputs are far from unit variance: one learning rate can't suit weights of large and of small inputs, and "
        "activations saturate or die.",
        "입력의 분산이 1과 크게 다릅니다. 학습률 하나로 큰 입력과 작은 입력의 가중치를 모두 맞출 수 없고, 활성 함수가 "
        "포화되거나 유닛이 죽습니다.",
    ),
    remedy="bl.fit(net, x, y, preparation=bl.data.Standardize().fit(x))",
    of_one="bl.fit(net, x, y, preparation={{{name!r}: bl.data.Standardize().fit(x[{name!r}])}})",
    command="backlit train TABLE --target COLUMN  # scales columns",
    effect=Template(
        "a faster fall of the loss with the same learning rate", "같은 학습률에서 손실이 더 빨리 줄어듭니다."
    ),
    signs=(TOO_LARGE, TOO_SMALL),
    rules=(scale,),
    picture="run.activations()",
    repair=inputs.standardized,
)

OFF_CENTRE_INPUTS = Kind(
    name=Template("off-centre inputs", "입력의 중심이 0에서 벗어남"),
    stage=Stage.SCALE,
    place=1,
    role=Role.CAUSE,
    cause=Template(
        "Inputs have means far from zero: a unit's weights get gradients of one sign and can only zig-zag, and the "
        "common part drowns the differences.",
        "입력의 평균이 0에서 멉니다. 한 유닛의 가중치들이 같은 부호의 기울기를 받아 지그재그로만 움직이고, 공통 성분이 "
        "차이를 가립니다.",
    ),
    remedy="bl.fit(net, x, y, preparation=bl.data.Standardize().fit(x))",
    of_one="bl.fit(net, x, y, preparation={{{name!r}: bl.data.Standardize().fit(x[{name!r}])}})",
    command="backlit train TABLE --target COLUMN  # centres columns",
    effect=Template(
        "a faster fall of the loss with the same learning rate", "같은 학습률에서 손실이 더 빨리 줄어듭니다."
    ),
    signs=(OFF_CENTRE,),
    rules=(scale,),
    picture="run.activations()",
    repair=inputs.standardized,
)

KINDS = (UNSCALED_INPUTS, OFF_CENTRE_INPUTS)
