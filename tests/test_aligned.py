"""Aligned tables: columns, sides, wide signs."""

import pytest

from backlit.aligned import aligned, columns


def test_all_columns_start_at_the_left() -> None:
    assert aligned([("a", "long"), ("longer", "b")]) == "a       long\nlonger  b"


def test_numbers_end_at_the_right() -> None:
    assert aligned([["name", "n"], ["x", 12]], left=(0,), indent="  ") == "  name   n\n  x     12"


def test_no_space_is_left_at_the_end() -> None:
    assert aligned([("a", ""), ("b", "")]) == "a\nb"


@pytest.mark.parametrize(("text", "width"), [("", 0), ("loss", 4), ("Δw ≤ ∞", 6), ("손실", 4), ("m̂", 1), ("漢字!", 5)])
def test_columns_that_a_terminal_needs(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert columns(text) == cell_len(text) == width


def test_hangul_is_aligned() -> None:
    lines = aligned([("손실", "1"), ("loss", "2")]).splitlines()
    assert lines == ["손실  1", "loss  2"]
