"""Findings about inputs: missing, leaked, contrary, off scale, off centre, constant."""

from __future__ import annotations

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.symptoms import seen

_LECUN = "inputs of mean 0 and variance 1: LeCun et al., Efficient BackProp, 1998"
LARGE, VERY_LARGE = 4.0, 10.0  # standard deviation of the columns: trouble if nothing is learned; in any case
SMALL, VERY_SMALL = 0.1, 0.03
APART = 10.0  # the largest column's size over the median one's
OFF, FAR_OFF = 2.0, 4.0  # |mean| / std of the middle column; numbers spread evenly over [0, 1] have 1.7
ONE_SIGNED = 0.5  # of the first layer's units
SHARED = 0.01  # of the held-out rows, beyond what chance makes
MANY = 0.2  # of the held-out rows: too many, even where rows repeat within the training rows
FEWEST_SHARED = 3  # rows
CONTRARY = 0.05  # of the rows, beyond what chance makes
FEWEST_CONTRARY = 6  # rows: one pair, or two, in a small table is an accident
NORMS = ("BatchNorm", "LayerNorm", "Rescale")


def missing(e: Evidence) -> list[Finding]:
    """NaN or infinite inputs."""
    bad = e.data.get("bad_rows", 0)
    told = e.diverged is not None and e.diverged.layer == "the input data"
    if not bad and not told:
        return []
    where = f"{bad} of {e.data['rows']} rows" if bad else "some rows"
    measure, source = "rows with NaN or infinity", "one is enough"
    return [finding("missing inputs", where, measure, float(bad or 1), 0.0, source, consequences=seen(e))]


def leak(e: Evidence) -> list[Finding]:
    """Held-out rows that were trained on."""
    shared = e.data.get("shared")
    if not shared:
        return []
    usual = 2 * (e.data.get("twins") or {}).get("repeated", 0.0)  # a table may simply hold equal rows
    limit = max(SHARED + 3 * shared["chance"], min(usual, MANY))
    if shared["count"] < FEWEST_SHARED or shared["share"] <= limit or (contrary(e) and usual >= shared["share"]):
        return []
    where = f"{shared['share']:.1%} of the held-out rows"
    source = "1 %, and three times what chance makes of columns that don't depend on each other"
    return [finding("leak between splits", where, "share of held-out rows", shared["share"], limit, source)]


def contrary(e: Evidence) -> list[Finding]:
    """Equal rows with different targets, where equal rows aren't the rule."""
    twins = e.data.get("twins")
    if not twins:
        return []
    limit = CONTRARY + 3 * twins["chance"]
    if twins["contrary"] <= limit or twins["contrary"] * e.data["rows"] < FEWEST_CONTRARY:
        return []
    where = f"{twins['contrary']:.1%} of the rows"
    source = "5 %, and three times what chance makes of columns that don't depend on each other"
    return [finding("contrary duplicates", where, "share of rows", twins["contrary"], limit, source)]


def constant(e: Evidence) -> list[Finding]:
    """Columns that never change; only an alarm if all are so."""
    count, columns = e.inputs.get("constant", 0), e.inputs.get("columns", 0)
    if not count:
        return []
    shown = ", ".join(map(str, e.inputs.get("constant_columns", [])[:5]))
    where = f"{count} of {columns} columns ({shown}{', …' if count > 5 else ''})"
    severity = "alarm" if count == columns and len(e.network.input_shape) == 1 else "remark"
    return [finding("constant columns", where, "columns", float(count), 0.0, "none should be", severity)]


def scale(e: Evidence) -> list[Finding]:
    """Inputs far from unit variance, or far from mean 0, in front of the first weights."""
    told = e.inputs
    if "std" not in told or not e.weighted:
        return []
    place = e.parts.index(e.weighted[0])
    if any(part.kind in NORMS for part in e.parts[:place]) or any(
        part.kind in NORMS for part in e.follows(e.weighted[0])[:1]
    ):
        return []  # whatever comes in, the network scales it
    strict = e.well or not e.trained  # what is learned well is told as a remark, if at all
    large, small, off = (VERY_LARGE, VERY_SMALL, FAR_OFF) if strict else (LARGE, SMALL, OFF)
    severity = "remark" if e.well else "alarm"
    std, apart = told["std"], told["most_rms"] / max(told["median_rms"], 1e-30)
    follows = seen(e)
    if told["offset"] > off and told["most_rms"] > off * 0.5 and std <= large:
        signed = e.start.get("params", {}).get(f"{e.weighted[0].path}/weight", {}).get("one_signed") or 0.0
        if signed >= ONE_SIGNED:
            follows += (f"{signed:.0%} of the first layer's units get gradients of one sign: they zig-zag",)
        where = f"the middle column's mean is {told['offset']:.3g} standard deviations from 0"
        return [finding("off-centre inputs", where, "|mean| / std", told["offset"], off, _LECUN, severity, follows)]
    if std > large or (apart > APART and told["most_std"] > large):
        where = f"columns' standard deviations from {told['least_std']:.3g} to {told['most_std']:.3g}"
        return [finding("unscaled inputs", where, "standard deviation", std, large, _LECUN, severity, follows)]
    if told["most_rms"] < small:
        where = f"columns' standard deviations up to {told['most_std']:.3g}"
        return [finding("unscaled inputs", where, "standard deviation", std, small, _LECUN, severity, follows)]
    return []


RULES = (missing, leak, contrary, constant, scale)
