"""Random tables, and the ways in which they may be written."""

import csv
import io
from datetime import date, datetime

import polars as pl
from hypothesis import strategies as st

LETTERS = st.sampled_from("abcdefghijXYZ가나다라마바한글김값")
WORDS = st.builds("{}{}z".format, LETTERS, st.text(LETTERS | st.sampled_from(" ,;|\t'\"="), max_size=5))
KINDS = {
    "whole": st.integers(-(2**62), 2**62),
    "decimal": st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda x: x + 0.5 if x.is_integer() else x),
    "word": WORDS,
    "day": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    "moment": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    "truth": st.booleans(),
}


@st.composite
def tables(draw, kinds=tuple(KINDS), fewest=2):
    """A frame of two to five columns, each with a value somewhere and perhaps gaps, beside one that has none."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=5))
    rows = draw(st.integers(fewest, 12))
    columns = [pl.Series("row", [f"row {i}" for i in range(rows)])]
    for place, kind in enumerate(chosen):
        values = [draw(KINDS[kind]), *draw(st.lists(st.none() | KINDS[kind], min_size=rows - 1, max_size=rows - 1))]
        columns.append(pl.Series(f"{kind} {place}", draw(st.permutations(values))))
    return pl.DataFrame(columns)


def written(frame, separator=",", newline="\n", quoting=csv.QUOTE_MINIMAL, end=True):
    """The frame as delimited text."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=newline, quoting=quoting)
    writer.writerow(frame.columns)
    writer.writerows([["" if cell is None else str(cell) for cell in row] for row in frame.rows()])
    return text.getvalue() if end else text.getvalue().rstrip("\r\n")
