"""What suits Transformers where the user leaves it open: AdamW, and a learning rate that rises before it falls."""

from __future__ import annotations

from typing import Any

from backlit.languages import Template
from backlit.nn.spec.transformer import is_transformer
from backlit.optim import as_transform
from backlit.tasks.options import Options

OPTIMIZER, RATE = "adamw", 0.002
SHARE, MOST = 0.1, 200  # of all epochs, or updates, in which the rate rises: whichever is less
TOLD = Template(
    "a Transformer's learning rate rises over the first {share:.0%} of the epochs, or {most} updates, then falls to "
    "nothing ({method})",
    "트랜스포머(Transformer)의 학습률(learning rate)은 처음 {share:.0%} 에포크, 많아야 갱신 {most}회 동안 오르고 "
    "그 뒤 0까지 내려감({method})",
)


def warm_up(network: Any, updates: int, epochs: int, options: Options) -> str | None:
    """The words of a warm-up and a cosine for a Transformer whose user says nothing of the rate's course; else None.

    Parameters
    ----------
    network : str or Layer
        What the user asks for.
    updates : int
        Of an epoch.
    epochs : int
        Most of the training.
    options : Options

    Examples
    --------
    >>> warm_up("transformer:2x64", 50, 20, Options()), warm_up("lstm:64", 50, 20, Options())
    ('warmup:2 cosine', None)
    >>> warm_up("transformer:2x64", 50, 20, Options(time_limit=60.0))
    'warmup:2 budget'
    """
    if not is_transformer(network) or not _is_open(options):
        return None
    return f"warmup:{min(SHARE * epochs, MOST / updates):g} {by_the_clock(options) or 'cosine'}"


def by_the_clock(options: Options) -> str | None:
    """The word for a rate that comes to nothing when the time is up, which another schedule's end wouldn't be seen of.

    >>> by_the_clock(Options(time_limit=60.0)), by_the_clock(Options()), by_the_clock(Options(schedule="cosine"))
    ('budget', None, None)
    """
    return "budget" if options.time_limit is not None and _is_open(options) else None


def _is_open(options: Options) -> bool:
    """Whether the user leaves the rate's course open, and the optimizer takes one."""
    if options.schedule is not None or not isinstance(options.optimizer, (str, type(None))):
        return False
    transform = as_transform(options.steps(OPTIMIZER, RATE)[0])
    return not (transform.option("exact") or transform.option("whole"))


def warm_up_told(network: Any, options: Options) -> list[str]:
    """What is said of it in the plan's notes."""
    if warm_up(network, 1, 1, options) is None:
        return []
    return [TOLD.say(method="AdamW" if options.optimizer is None else options.optimizer, share=SHARE, most=MOST)]
