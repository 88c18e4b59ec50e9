"""`fit_text`: a long text in; a network that goes on with it out."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backlit.tasks.fit_table import known
from backlit.tasks.options import Options
from backlit.tasks.stream import from_text, train_stream
from backlit.train.result import Run


def fit_text(
    text: str | Path,
    *,
    tokens: str = "characters",
    window: int | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> Run:
    """Train a language model: a recurrent network that says what comes next in a text.

    The text is one continuous stream. It is read in several places side by side, a window at a time; the state is
    carried from window to window, gradients stay in their window (truncated backpropagation through time). The last
    tenth is held out: half of it to know when to stop, half to judge by.

    Parameters
    ----------
    text : str or Path
        The text itself, or a `pathlib.Path` of a file.
    tokens : "characters", "words", "bytes", "syllables" or "jamo"
        What is predicted one by one; see `backlit.data.text.Tokenizer`.
    window : int, optional
        Tokens through which gradients go back; 64 for all but short texts.
    checkpoint, resume, overwrite, progress :
        As for `fit`.
    say : callable, optional
        Is told, sentence by sentence, how the text is read.
    **options
        Of `Options`: network ("lstm:256", "gru:128,128", "rnn:64", or a layer), dropout, optimizer, learning_rate, l2,
        epochs (of at most 200 updates each), batch_size (places side by side), patience, time_limit (seconds), split,
        seed, engine, devices.

    Returns
    -------
    Run
        ``run.generate("Once")`` goes on with a text; ``run.judgement`` has bits and perplexity on held-out text.

    Raises
    ------
    InputError
        If the text is empty or shorter than a window, or options don't fit.

    Examples
    --------
    >>> import backlit as bl
    >>> run = bl.fit_text("hello", network="rnn:16", window=4, epochs=10, seed=0)
    >>> run.generate("h", length=4, temperature=0)
    'hello'
    """
    started = clock.monotonic()
    chosen = Options(**known(options, "fit_text"))
    stream = from_text(text, tokens, window)
    return train_stream(
        stream,
        chosen,
        checkpoint=checkpoint,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
        say=say,
        started=started,
    )
