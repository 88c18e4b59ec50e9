"""Pieces of texts: those that occur are found, whatever stands around them."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.data.text import TextColumn
from backlit.data.text.pieces import Pieces
from backlit.errors import InputError

texts = st.lists(st.text("ab 가나é😀", max_size=12), min_size=1, max_size=8)


def pieces_of(text, shortest, longest):
    text = f" {text} "
    return {text[i : i + n] for n in range(shortest, longest + 1) for i in range(len(text) - n + 1)}


@given(texts, texts, st.sampled_from([(2, 4), (3, 5), (1, 1)]))
def test_pieces_are_those_of_slicing(learned, others, span):
    found = Pieces.learn(learned, *span)
    counts = Counter(piece for text in learned for piece in pieces_of(text, *span))
    often = {piece for piece, count in counts.items() if count >= 2}
    assert len(found.known) == len(often)
    rows = found.encode_all([*learned, *others], first=7)
    for text, row in zip([*learned, *others], rows, strict=True):
        numbers = row[row > 0]
        assert len(set(numbers.tolist())) == len(numbers) == min(len(often & pieces_of(text, *span)), found.length)
        assert ((numbers >= 7) & (numbers < 7 + len(often))).all()
    assert (found.encode_all(others, first=7) == rows[len(learned) :]).all()


def test_a_column_with_pieces_comes_back_and_knows_endings():
    frame = pl.DataFrame({"t": ["walking home", "talking loud", "home again", "loud again", "walked far"]})
    column = TextColumn.learn(frame, "t").with_pieces(frame)
    assert TextColumn.from_dict(column.to_dict()) == column
    for wrong, told in (({"known": [2, 1]}, "sorted"), ({"known": [1 << 40]}, "below"), ({"length": 0}, "can't be")):
        data = column.to_dict()
        with pytest.raises(InputError, match=told):
            TextColumn.from_dict(data | {"pieces": data["pieces"] | wrong})
    rows = column.apply(frame)
    assert rows.dtype == np.int32
    assert rows.shape[1] == column.length + column.pieces.length
    assert rows.max() < column.size
    new = column.apply(["stalking"])[0]
    assert (new[: column.length] <= column.tokenizer.size).all()
    assert (new[column.length :] >= column.tokenizer.size).sum() >= 4  # of a word that it never saw
    assert "pieces of 3 to 5 characters" in column.rows()[0]["done"]
    plain = TextColumn.learn(frame, "t")
    assert (plain.apply(frame) == rows[:, : plain.length]).all()
