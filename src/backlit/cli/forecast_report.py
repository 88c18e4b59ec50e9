"""What the judgement of a forecast says, as text for a terminal."""

from __future__ import annotations

from typing import Any

from backlit.cli.output import table

SHOWN = 12  # steps ahead that are listed one by one


def forecast_scores(judgement: dict[str, Any]) -> str:
    """Errors of the network beside those of other forecasts: over all, and by step ahead."""
    rivals = judgement["rivals"]
    names = ["network", *rivals]
    head = [[judgement.get("judged_on", "windows"), *names]]
    for score, value in judgement["scores"].items():
        head.append([score, *(f"{v:.4g}" for v in (value, *(rival[score] for rival in rivals.values())))])
    steps = judgement["steps"]
    intervals = judgement.get("intervals")
    level = f"{intervals['level']:.0%} interval" if intervals else ""
    rows = [["steps ahead", *(f"mae: {name}" if i == 0 else name for i, name in enumerate(names)), level, "holds"]]
    for i in _shown(len(steps)):
        row = [str(steps[i]["step"]), *(f"{steps[i][name]['mae']:.4g}" for name in names)]
        if intervals:
            half = intervals["half_width"][i]
            row += ["too few windows", ""] if half is None else [f"± {half:.4g}", f"{intervals['coverage'][i]:.0%}"]
        rows.append(row if intervals else [*row, "", ""])
    blocks = [table(head), table(rows)]
    return "\n\n".join([*blocks, *(f"  {warning}" for warning in judgement.get("warnings", ()))])


def _shown(steps: int) -> list[int]:
    """All steps if they are few; else the first, the last and some evenly between."""
    if steps <= SHOWN:
        return list(range(steps))
    return sorted({round(i * (steps - 1) / (SHOWN - 1)) for i in range(SHOWN)})
