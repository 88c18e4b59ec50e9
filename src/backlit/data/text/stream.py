"""A long text as rows to train on: read in several places at once, each place going on from batch to batch."""

from __future__ import annotations

import numpy as np


def windows(ids: np.ndarray, streams: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a language model, both int32 (windows · streams, length).

    The text is cut into `streams` equal parts, which are read side by side: row ``w · streams + s`` is window w of part
    s. So a batch of `streams` rows, taken in order, goes on where the batch before ended. Targets are the inputs moved
    by one. What is left at the end of each part, less than a window, isn't used.

    Parameters
    ----------
    ids : int array (tokens,)
    streams, length : int

    Examples
    --------
    >>> x, y = windows(np.arange(11), streams=2, length=2)
    >>> x.tolist()
    [[0, 1], [5, 6], [2, 3], [7, 8]]
    >>> y.tolist()
    [[1, 2], [6, 7], [3, 4], [8, 9]]
    """
    part = (len(ids) - 1) // streams
    count = part // length
    starts = np.arange(count)[:, None] * length + np.arange(streams) * part
    places = starts.reshape(-1, 1) + np.arange(length)
    return ids[places].astype(np.int32), ids[places + 1].astype(np.int32)
