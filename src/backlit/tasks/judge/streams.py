"""How well a text is foretold token by token: bits beside what counting tells, over streams read in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backlit import engine as engines
from backlit.data.text.reading import read_as_told
from backlit.data.text.texts import windows
from backlit.errors import InputError
from backlit.graph.tensor import value_of
from backlit.languages import Template
from backlit.nn.layer import Network, forward
from backlit.nn.losses import CrossEntropy
from backlit.tasks.judge.ngrams import ORDER, ngram_loss, pairs_loss
from backlit.train.generate import generate, streaming
from backlit.train.judgement import Judgement
from backlit.train.result import Result

STREAMS = 64  # places that are read side by side
PARTS = ("training", "validation", "test")

EQUALLY = Template("all tokens equally likely", "모든 토큰의 확률을 같게")
NO_BETTER_THAN_ANY = Template(
    "no better than taking all tokens for equally likely: this text is unlike the one that was learned",
    "모든 토큰의 확률을 같게 보는 것보다 낫지 않습니다. 학습한 글과 다른 글입니다.",
)
PAIRS = Template("counting pairs", "이웃한 쌍의 빈도")
COUNTS = Template("counting {order} in a row", "연속 {order}개의 빈도")
NO_BETTER = Template(
    "no better than counting pairs: train longer, or give more text",
    "쌍의 빈도를 세는 것보다 낫지 않습니다. 더 오래 학습하거나 글을 더 주십시오.",
)


def judge_parts(
    run: Result, parts: Sequence[np.ndarray], streams: int, engine: str, *, plan: str, notes: Sequence[str]
) -> Judgement:
    """How well a run foretells the last part of its text that has any tokens, beside what counting tells.

    Parameters
    ----------
    parts : three int arrays
        Tokens of training, validation and test.
    streams : int
        Places that are read side by side.
    engine : "xla" or "numpy"
    plan : str
        What was trained, in words.
    notes : sequence of str
    """
    tokenizer, window = run.preparation.tokenizer, run.preparation.length
    last = max(i for i, part in enumerate(parts) if len(part))
    loss, hits = stream_scores(run, *windows(parts[last], streams, window), streams, engine)
    guess = pairs_loss(parts[0], parts[last], tokenizer.size)
    counted = ngram_loss(parts[0], parts[last], tokenizer.size)
    return Judgement(
        task="text",
        unit=tokenizer.unit,
        rows=len(parts[last]),
        scores={"loss": loss, **_of_loss(run, loss), "accuracy": hits},
        baseline={"what": PAIRS.say(), "loss": guess, **_of_loss(run, guess)},
        rivals={COUNTS.say(order=ORDER): {"loss": counted, **_of_loss(run, counted)}},
        judged_on=PARTS[last],
        parts=dict(zip(PARTS, map(len, parts), strict=True)),
        plan=plan,
        notes=tuple(notes),
        warnings=() if loss < guess else (NO_BETTER.say(),),
        sample=generate(run, _opening(tokenizer, parts), length=160, temperature=0.8),
    )


def judge_stream(run: Result, path: Path) -> Judgement:
    """How well a run foretells the text of a file, token by token, beside taking all tokens for equally likely.

    Raises
    ------
    InputError
        If the file is no text, or shorter than the window that the run reads.
    """
    tokenizer, window = run.preparation.tokenizer, run.preparation.length
    ids = tokenizer.encode(read_as_told(path)[0])
    streams = min(STREAMS, (len(ids) - 1) // window)
    if streams < 1:
        raise InputError(f"{path} has {len(ids)} {tokenizer.unit}; the run reads {window + 1} at once: give more text")
    loss, hits = stream_scores(run, *windows(ids, streams, window), streams, run.settings.get("engine", "xla"))
    guess = math.log(tokenizer.size)
    return Judgement(
        task="text",
        unit=tokenizer.unit,
        rows=len(ids),
        scores={"loss": loss, **_of_loss(run, loss), "accuracy": hits},
        baseline={"what": EQUALLY.say(), "loss": guess, **_of_loss(run, guess), "accuracy": 1 / tokenizer.size},
        warnings=(NO_BETTER_THAN_ANY.say(),) if loss >= guess else (),
    )


def _of_loss(run: Result, loss: float) -> dict[str, float]:
    """The run's metrics, which all follow from the loss."""
    return {name: metric.of_loss(loss) for name, metric in run.metrics.items()}


def _opening(tokenizer: Any, parts: Sequence[np.ndarray]) -> str:
    """A few tokens that follow the training text, to go on from."""
    part = parts[1] if len(parts[1]) else parts[0]
    known = part[part >= 4][: min(8, max(1, len(part) // 4))]
    return str(tokenizer.decode(known)) or str(tokenizer.tokens[0])


def stream_scores(run: Result, x: np.ndarray, y: np.ndarray, streams: int, engine: str) -> tuple[float, float]:
    """Mean loss and share of right guesses over windows read in order, the state carried from each to the next."""
    architecture = streaming(run.network.architecture, streams)
    shape, loss = run.network.input_shape, CrossEntropy()

    def read(params: Any, state: Any, x: Any, y: Any, fresh: Any) -> Any:
        output, state = forward(architecture, shape, params, x, state=state, fresh=fresh)
        output = value_of(output)
        return value_of(loss(output, y)).sum(), (output.argmax(axis=-1) == y).sum(), state

    runner = engines.get(engine)
    compiled = runner.compile(read)
    state: Any = Network.empty(architecture, shape, str(run.network.dtype)).state
    total = right = 0.0
    for start in range(0, len(x), streams):
        rows = slice(start, start + streams)
        summed, hits, state = compiled(run.network.params, state, x[rows], y[rows], np.bool_(start == 0))
        total, right = total + float(summed), right + float(hits)
    return total / len(x), right / x.size
