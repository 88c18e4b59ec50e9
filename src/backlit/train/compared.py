"""What processes that train together compare before they do: what the result depends on, and when they meet."""

from __future__ import annotations

from typing import Any

from backlit.settings import declared
from backlit.train.callbacks import EarlyStopping
from backlit.train.prepare import Job
from backlit.train.probes.settings import probes_of
from backlit.train.scores import columns_of
from backlit.train.training import Training


def decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Of a run's settings those that must be the same at all processes that train together."""
    names = [name for name, option in declared(Training).items() if option.scope == "identity"]
    return {name: settings[name] for name in [*names, "epochs", "data"] if name in settings}


def rhythm(training: Training, job: Job, stopping: EarlyStopping | None) -> dict[str, Any]:
    """What decides when processes that train together meet: it must be the same at all, though no result depends on it.

    Of folder and clock it is whether there are any: the first process writes, and looks.
    """
    probes, keeping = probes_of(training.probes), training.keeping
    return {
        "checkpoint": "a folder" if keeping is not None else None,
        "checkpoint_every": None if keeping is None else keeping.every,
        "resume": keeping is not None and keeping.resume,
        "time_limit": "a limit" if training.time_limit is not None else None,
        "probes": None if probes is None else probes.to_dict(),
        "early_stopping": None if stopping is None else stopping.to_dict(),
        "metrics": [*columns_of(job.loss, job.metrics)],
        **{name: getattr(training, name) for name in ("until_loss", "devices", "shard", "chunk", "strict")},
    }
