"""What a judgement says, drawn: importance of columns, and whether confidence is honest."""

from __future__ import annotations

from typing import Any

from backlit.inspect.plots.style import TRAINING, figure, given, picture


@picture
def importance(found: Any, most: int = 20) -> Any:
    """The most important columns as bars, with their spread over the shuffles; `found` is what `importance` returns."""
    rows = found.rows[:most][::-1]
    chart, axis = figure(height=1.2 + 0.28 * len(rows))
    names = [given(row["column"]) for row in rows]
    spread = [row["spread"] for row in rows]
    axis.barh(range(len(rows)), [row["lost"] for row in rows], xerr=spread, color=TRAINING["color"], ecolor="0.4")
    axis.set_yticks(range(len(rows)), names)
    axis.set(xlabel=f"{found.measure} lost when the column is shuffled (of {found.score:.3f})")
    axis.grid(visible=False, axis="y")
    return chart


@picture
def reliability(calibration: dict[str, Any]) -> Any:
    """Accuracy against confidence, bin by bin, with the rows in each; `calibration` is a judgement's."""
    bins = calibration["bins"]
    chart, (axis, below) = figure(2, 1, width=4.6, height=5.0)
    confidence = [b["confidence"] for b in bins]
    axis.plot([0, 1], [0, 1], color="0.35", linewidth=1.4, linestyle=":", label="honest")
    axis.plot(confidence, [b["accuracy"] for b in bins], marker="o", label="network", **TRAINING)
    axis.set(ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.set_title(f"calibration error {calibration['error']:.3f}", fontsize=10)
    axis.legend(frameon=False)
    below.bar(confidence, [b["rows"] for b in bins], width=0.06, color=TRAINING["color"])
    below.set(xlabel="confidence: probability of the predicted class", ylabel="rows", xlim=(0, 1.02))
    return chart
