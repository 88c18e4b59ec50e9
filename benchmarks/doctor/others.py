"""The published criteria asked about a run of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.doctor.published import TOOLS, Told
from benchmarks.doctor.watch import ROWS, Watch


def watch_of(network: Any, x: Any, y: Any, options: dict[str, Any]) -> Watch:
    """A callback for a training with these options, on the first rows, inputs and targets as training has them."""
    from backlit.train.examples import examples_of
    from backlit.train.training import Training

    told = {name: options[name] for name in ("loss", "standardize_targets") if name in options}
    examples = examples_of(network, x, y, Training(**told))
    inputs = np.asarray(x)[:ROWS]
    inputs = inputs.astype(np.float32) if inputs.dtype.kind == "f" else inputs
    return Watch(inputs, examples.encoded[:ROWS], examples.loss, options["epochs"])


def said(case: Any, watch: Watch, run: Any, x: np.ndarray, y: np.ndarray) -> dict[str, list[str]]:
    """What each tool's criteria say of a run, by tool."""
    from backlit.doctor.evidence import Evidence

    known = Evidence(run.network, run.loss, run.optimizer, run.start or {}, list(run.probes), list(run.history))
    ratios = [known.ratio(record) for record in known.looks]
    own = getattr(run.loss, "activation", None) or "none"
    told = Told(
        seen=watch.seen, history=list(run.history), diverged=run.diverged is not None, classes=known.classes, x=x, y=y,
        last=known.parts[-1].kind, units=run.network.output_shape[-1], loss=own, rate=known.rate,
        ratios=[ratio for ratio in ratios if ratio is not None],
    )  # fmt: skip
    with np.errstate(all="ignore"):
        return {name: criteria(told) for name, criteria in TOOLS.items()}
