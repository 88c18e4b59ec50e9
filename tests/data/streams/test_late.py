"""Rows that come late, and are otherwise than the first ones told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.files import read_source
from backlit.data.streams import open_table, understand
from backlit.data.streams.reading import Reader
from backlit.data.streams.sketches import Counts
from backlit.data.streams.summaries import Unlike, UnlikeError
from backlit.data.streams.text import TextTable
from backlit.errors import InputError
from tests.data.streams.tables import understood

ROWS = 4000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is seen at first: two hundred rows, and none from further on."""
    monkeypatch.setattr("backlit.data.streams.understanding.HEAD", 200)
    monkeypatch.setattr("backlit.data.streams.packed.SIZE", 8192)
    monkeypatch.setattr("backlit.data.streams.text.SPOTS", 1)
    monkeypatch.setattr("backlit.data.streams.typed.PLACES", 1)
    monkeypatch.setattr("backlit.data.streams.table.rows_of_piece", lambda *_: 300)


def table(**columns: list[object]) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame({"size": rng.normal(size=ROWS), "y": rng.normal(size=ROWS)} | columns, strict=False)


def written(folder: Path, **columns: list[object]) -> Path:
    table(**columns).write_csv(folder / "t.csv")
    return folder / "t.csv"


def numbers(*late: object) -> list[object]:
    values: list[object] = [str(value) for value in np.random.default_rng(1).integers(1, 10_000, ROWS)]
    values[len(values) - len(late) :] = list(late)
    return values


def test_a_word_among_numbers_is_told_with_its_line_and_counts_as_missing(tmp_path: Path) -> None:
    path = written(tmp_path, price=numbers("about 7"))
    found = understood(open_table(path), "y", path)
    notes = " ".join(map(str, found.notes))
    assert (
        f"'price' is kept as text: one cell of {ROWS} is no number, first 'about 7' in {path}, line {ROWS + 1}" in notes
    )
    column = next(column for column in found.preparation.columns if column.name == "price")
    assert column.written == "number"
    told = next(note for note in read_source(path).notes if "kept as text" in note)
    assert str(told).replace("in line", f"in {path}, line") in notes


def test_words_in_many_cells_make_text_of_numbers(tmp_path: Path) -> None:
    price = numbers()
    price[-1500:] = ["low", "high", "none"] * 500
    path = written(tmp_path, price=price)
    found = understood(open_table(path), "y", path)
    assert {row["column"]: row["kind"] for row in found.preparation.rows()}["price"] == "text"
    assert "'price' turned out otherwise than its first rows told" in " ".join(map(str, found.notes))


@pytest.mark.parametrize(
    ("first", "late", "kind"),
    [
        ("12", "007", "category"),  # codes
        ("12", "1,250", "whole number"),  # thousands
        ("12", "3.5", "number"),
        ("2024-01-05", "soon", "category"),
        ("true", "maybe", "category"),
    ],
)
def test_a_late_cell_changes_what_a_column_is(tmp_path: Path, first: str, late: str, kind: str) -> None:
    values = {
        "12": [str(value) for value in np.random.default_rng(0).integers(10, 25, ROWS)],
        "2024-01-05": [f"2024-01-{value:02}" for value in np.random.default_rng(0).integers(1, 20, ROWS)],
        "true": np.random.default_rng(0).choice(["true", "false"], ROWS).tolist(),
    }[first]
    values[-60:] = [late] * 60
    path = written(tmp_path, a=values)
    found = understood(open_table(path), "y", path)
    assert {row["column"]: row["kind"] for row in found.preparation.rows()}["a"] == kind


def test_text_of_a_typed_file_may_turn_out_to_be_numbers_or_dates(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    prices = ["?"] * 250 + [f"{value:.2f}" for value in rng.normal(9, 2, ROWS - 250)]
    days = ["2024-01-05"] * 300 + [f"2024-03-{value:02}" for value in rng.integers(1, 28, ROWS - 300)]
    broken = [f"2024-03-{value:02}" for value in rng.integers(1, 28, ROWS - 200)] + ["soon"] * 200
    table(price=prices, day=days, broken=broken).write_parquet(tmp_path / "t.parquet")
    found = understood(open_table(tmp_path / "t.parquet"), "y", tmp_path / "t.parquet")
    kinds = {row["column"]: row["kind"] for row in found.preparation.rows()}
    assert (kinds["price"], kinds["day"], kinds["broken"]) == ("number", "date", "category")


def test_a_target_that_is_sorted_is_understood_by_all_rows() -> None:
    target = ["a"] * (ROWS // 2) + ["b"] * (ROWS // 2)
    found = understood(open_table(table(label=target)), "label")
    assert found.classes == ["a", "b"]
    whole = [place * 7 // ROWS if place < ROWS - 50 else place for place in range(ROWS)]
    assert understood(open_table(table(label=whole)), "label").goal.task == "regression"


def test_several_labels_are_told_from_all_rows() -> None:
    late = [place > ROWS - 300 for place in range(ROWS)]
    found = understood(open_table(table(late=late, even=[place % 2 for place in range(ROWS)])), ["late", "even"])
    assert found.goal.task == "multi_label"
    assert found.goal.yes == ("true", "1")


def test_missing_targets_are_dropped_counted_and_told(tmp_path: Path) -> None:
    label = np.random.default_rng(0).normal(size=ROWS)
    label[[3500, 3600]] = np.nan
    table(label=label.tolist()).write_parquet(tmp_path / "t.parquet")
    found = understood(open_table(tmp_path / "t.parquet"), "label")
    assert found.rows == ROWS - 2
    told = f"2 rows have no target (label) and are dropped, the first in {tmp_path / 't.parquet'}, row 3501"
    assert told in map(str, found.notes)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_an_infinite_number_is_refused_by_its_place(tmp_path: Path, name: str) -> None:
    frame = table(a=[1.5] * (ROWS - 1) + [float("inf")])
    (frame.write_csv if name == "t.csv" else frame.write_parquet)(tmp_path / name)
    place = f"t.csv, line {ROWS + 1}" if name == "t.csv" else f"t.parquet, row {ROWS}"
    with pytest.raises(InputError, match=f"{place}, column 'a' is infinite; mend or empty it"):
        understand(open_table(tmp_path / name), "y")


def test_wishes_are_held_against_every_row(tmp_path: Path) -> None:
    table(a=numbers("x"), b=numbers("-3"), c=numbers()).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=f"row {ROWS}, column 'a': expected a number, got 'x'"):
        understand(open_table(tmp_path / "t.parquet"), "y", wishes={"a": "number"})
    with pytest.raises(InputError, match=f"row {ROWS}, column 'b': log.1 . x. needs numbers above -1, got -3"):
        understand(open_table(tmp_path / "t.parquet"), "y", wishes={"b": "log", "a": "drop"})
    with pytest.raises(InputError, match="row 1, column 'a': expected a date or time"):
        understand(open_table(tmp_path / "t.parquet"), "y", wishes={"a": "date"})
    found = understood(
        open_table(tmp_path / "t.parquet"), "y", wishes={"a": "category", "b": "drop", "c": "log", "size": "robust"}
    )
    assert {row["column"]: row["kind"] for row in found.preparation.rows()}["b"] == "left out"


def test_text_with_too_many_values_to_count_says_what_is_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr("backlit.data.streams.summaries.Counts", lambda: Counts(120))
    town = [f"t{value}" for value in rng.zipf(1.3, ROWS).clip(max=1500)]
    found = understand(open_table(table(town=town)), "y")
    note = next(str(note) for note in found.notes if "'town'" in str(note))
    assert "different values, of which the" in note
    column = next(column for column in found.preparation.columns if column.name == "town")
    assert "t1" in column.levels
    assert found.preparation.apply(found.sample).shape[1] == len(found.preparation.names)


@pytest.mark.parametrize(
    ("pieces", "levels"),
    [
        (([1, 2], [1.5, 2.0]), ("1.0", "1.5", "2.0")),
        (([1.0, 2.0], [2, 3]), ("1", "2", "3")),
        (([2**60, 2**60 + 1], [3, 4]), ("3", "4", str(2**60), str(2**60 + 1))),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_category_whose_numbers_differ_in_type_from_file_to_file(
    tmp_path: Path, pieces: tuple[list[object], list[object]], levels: tuple[str, ...], ending: str
) -> None:
    rng = np.random.default_rng(0)
    for number, values in enumerate(pieces):
        z = pl.Series("z", values * 150)
        frame = pl.DataFrame({"x": rng.normal(size=300), "z": z, "y": rng.normal(size=300)})
        path = tmp_path / f"{number}.{ending}"
        (frame.write_csv if ending == "csv" else frame.write_parquet)(path)
    found = understand(open_table(tmp_path / f"*.{ending}"), "y", wishes={"z": "category"})
    column = next(column for column in found.preparation.columns if column.name == "z")
    assert column.levels == levels
    mixed = pl.concat(
        [pl.Series("z", values).cast(pl.Float64) for values in ([2.0], [1.5 if "1.5" in levels else 1.0])]
    )
    if 2**60 not in pieces[0]:
        assert (column.codes(mixed) >= 0).all()


def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pieces of each pass over a text table, counted as it goes on."""
    monkeypatch.setattr("backlit.data.streams.packed.SIZE", 1 << 15)
    counts: list[int] = []
    scan = TextTable.scan

    def counted(self: TextTable, columns: object = None) -> Iterator[Any]:
        counts.append(0)
        for given in scan(self, columns):
            counts[-1] += 1
            yield given

    monkeypatch.setattr(TextTable, "scan", counted)
    return counts


def test_many_columns_that_are_empty_at_first_cost_one_pass_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    late = {f"late{i}": [None] * 1000 + rng.normal(size=ROWS - 1000).round(2).tolist() for i in range(22)}
    path = written(tmp_path, **late)
    counts = passes(monkeypatch)
    found = understand(open_table(path), "y")
    kinds = {row["column"]: row["kind"] for row in found.preparation.rows()}
    assert {kinds[name] for name in late} == {"number"}
    assert len(counts) == 2, counts
    assert sum("turned out otherwise" in str(note) for note in found.notes) == 22


def test_surprises_one_after_another_cost_few_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = {f"late{i}": numbers(*["007"] * (ROWS - 600 - 100 * i)) for i in range(25)}
    path = written(tmp_path, **late)
    counts = passes(monkeypatch)
    understand(open_table(path), "y")
    assert len(counts) <= 6, counts
    assert sum(counts) < 4 * counts[-1], counts


def test_a_split_by_time_reads_the_table_once_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [None] * 1000 + np.random.default_rng(0).normal(size=ROWS - 1000).tolist()
    path = written(tmp_path, when=list(range(ROWS)), late=late)
    counts = passes(monkeypatch)
    understand(open_table(path), "y", time="when")
    assert len(counts) == 1 + 2, counts


def test_a_column_that_never_comes_to_rest_is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Reader, name: str, surprises: list[str]) -> None:
        raise UnlikeError(Unlike(name, "format"))

    monkeypatch.setattr(Reader, "_decide", never)
    path = written(tmp_path, price=numbers("soon"))
    with pytest.raises(InputError, match="column 'price' holds too many kinds of values; say what it is: wishes="):
        understand(open_table(path), "y")
