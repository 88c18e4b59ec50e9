"""Tables go back in the format they came in: own cells unharmed, new columns plain, nothing else is touched."""

import csv
import gzip
import io
import sys
import zipfile
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.data.files.writing import write
from backlit.errors import InputError, ShapeError

UGLY = '이름;preis;plz;note\r\n가 ;1.234,50 €;02139;"=SUM(A1;B1)"\r\n"나;""다""";- ;10001;"-x\r\ny"\r\n'
BACK = '이름;preis;plz;note;guess\r\n가 ;1.234,50 €;02139;"=SUM(A1;B1)";0,5\r\n"나;""다""";- ;10001;"-x\r\ny";\r\n'
GUESS = pl.DataFrame({"guess": [0.5, None]})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp949"])
def test_cells_stand_as_they_stood(tmp_path, encoding):
    def encoded(text):
        text = text.replace("€", "원") if encoding == "cp949" else text
        return ("\ufeff" if encoding.startswith("utf-16") else "").encode(encoding) + text.encode(encoding)

    (tmp_path / "t.csv").write_bytes(encoded(UGLY))
    source = read_source(tmp_path / "t.csv", keep_text=True)
    assert source.frame["preis"].to_list() == [1234.5, None]
    write(GUESS, tmp_path / "out.csv", source)
    assert (tmp_path / "out.csv").read_bytes() == encoded(BACK)
    write(source.frame.with_columns(GUESS), tmp_path / "out.csv", source)  # the whole table says the same
    assert (tmp_path / "out.csv").read_bytes() == encoded(BACK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "t.csv"]


def test_without_the_cells_values_are_written_plainly(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "n;x;d;t;b\n1;1.234,5;31.1.2024;2024-01-31 10:00;TRUE\n;;;;\n2;0,5;1.2.2024;2024-01-31 11:00;false\n"
    )
    source = read_source(path)
    write(pl.DataFrame({"p": [0.25, float("nan"), 1e-7]}), path.with_name("out.csv"), source)
    assert path.with_name("out.csv").read_text() == (
        "n;x;d;t;b;p\n1;1234,5;2024-01-31;2024-01-31 10:00:00.000000;true;0,25\n;;;;;\n"
        "2;0,5;2024-02-01;2024-01-31 11:00:00.000000;false;1e-7\n"
    )
    again = read_source(path.with_name("out.csv"))
    assert again.frame.drop("p").equals(source.frame)
    assert again.frame["p"].to_list() == [0.25, None, 1e-7]


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3+cmd", "@SUM(1)", '=HYPERLINK("x")'])
def test_formulas_are_quoted_and_unharmed(tmp_path, cell):
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["a", "n"], [cell, "-5"], ["x", "+6"]])
    source = read_source(path, keep_text=True)
    out = tmp_path / "out.csv"
    write(pl.DataFrame({"=p": [cell, "y"], "q": [-0.5, 1.0]}), out, source)
    quoted = '"' + cell.replace('"', '""') + '"'
    assert out.read_text() == f'a,n,"=p",q\n{quoted},-5,{quoted},-0.5\nx,+6,y,1.0\n'
    assert read(out)["a"].to_list() == [cell, "x"]


def test_excel_gets_text_and_no_formulas(tmp_path):
    source = read_source(_written(tmp_path / "t.csv", "a\n=1+1\n@x\n"), keep_text=True)
    write(pl.DataFrame({"p": ["=2+2", "-1+cmd"]}), tmp_path / "out.xlsx", source)
    with zipfile.ZipFile(tmp_path / "out.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert pl.read_excel(tmp_path / "out.xlsx")["p"].to_list() == ["=2+2", "-1+cmd"]


def _written(path, text):
    path.write_text(text)
    return path


def test_a_new_column_never_takes_an_old_ones_place(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,prediction\n1,old\n")
    source = read_source(path, keep_text=True)
    write(pl.DataFrame({"prediction": ["new"]}), tmp_path / "out.csv", source)
    assert (tmp_path / "out.csv").read_text() == "a,prediction,prediction_2\n1,old,new\n"
    with pytest.raises(ShapeError, match="the table has 1 rows, the new columns 2"):
        write(pl.DataFrame({"p": [1, 2]}), tmp_path / "out.csv", source)


@pytest.mark.parametrize("separator", [",", "\t", "|", ";"])
def test_separators(tmp_path, separator):
    path = tmp_path / ("t.tsv" if separator == "\t" else "t.csv")
    path.write_text(separator.join("ab") + "\n" + separator.join(["1", '"x,;|\t"']) + "\n")
    source = read_source(path, keep_text=True)
    write(pl.DataFrame({"p": ["y,;|\tz"]}), path.with_name("out"), source)
    assert path.with_name("out").read_text() == separator.join("abp") + "\n" + separator.join(
        ["1", '"x,;|\t"', '"y,;|\tz"\n']
    )


def test_one_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a\n1\n""\nx, y\n')
    source = read_source(path, keep_text=True)
    write(source.frame, tmp_path / "out.csv", source)
    assert (tmp_path / "out.csv").read_text() == 'a\n1\n""\n"x, y"\n'


def test_compressed(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,x\n"))
    write(pl.DataFrame({"p": [1.5]}), tmp_path / "out.csv.gz", read_source(path, keep_text=True))
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == b"a,b,p\n1,x,1.5\n"


FRAME = pl.DataFrame(
    {"이름": ["가", None], "x": [0.5, None], "d": [date(2024, 1, 31), None], "b": [True, False], "n": [1, 2]}
)
NEW = pl.DataFrame({"p": [0.25, 0.75], "=c": ["=1+1", "y"]})


@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl", "xlsx"])
def test_other_formats(tmp_path, ending):
    path, out = tmp_path / f"t.{ending}", tmp_path / f"out.{ending}"
    {
        "parquet": FRAME.write_parquet, "arrow": FRAME.write_ipc, "jsonl": FRAME.write_ndjson, "xlsx": FRAME.write_excel
    }[ending](path)  # fmt: skip
    source = read_source(path, keep_text=True)
    write(NEW, out, source)
    again = read_source(out)
    assert again.format == source.format
    assert again.frame.equals(source.frame.with_columns(NEW))


def test_archives(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=np.arange(4.0).reshape(2, 2), y=np.array(["가", "나"]), k=np.array([1, 2]))
    source = read_source(path)
    write(pl.DataFrame({"p": [0.5, None], "d": [date(2024, 1, 31), None], "c": ["z", None]}), path, source)
    with np.load(path, allow_pickle=False) as arrays:
        assert list(arrays) == ["x1", "x2", "y", "k", "p", "d", "c"]
        assert arrays["y"].tolist() == ["가", "나"]
        np.testing.assert_array_equal(arrays["p"], [0.5, np.nan])
        assert arrays["d"].astype(str).tolist() == ["2024-01-31", "NaT"]
        assert arrays["c"].tolist() == ["z", ""]
    assert read(path)[["x1", "x2", "y", "k"]].equals(source.frame)


def test_excel_takes_times_with_zones(tmp_path):
    path = tmp_path / "t.xlsx"
    FRAME.write_excel(path)
    when = pl.Series("when", [datetime(2024, 1, 31, 10, tzinfo=UTC)] * 2)
    write(when.to_frame(), path, read_source(path))
    assert str(read(path)["when"][0]) == "2024-01-31 10:00:00"


def test_writing_excel_needs_a_package(tmp_path, monkeypatch):
    path = tmp_path / "t.xlsx"
    FRAME.write_excel(path)
    before = path.read_bytes()
    source = read_source(path)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(InputError, match="writing Excel files needs another package: pip install 'backlit"):
        write(NEW, path, source)
    assert path.read_bytes() == before


class Screen(io.TextIOWrapper):
    def isatty(self):
        return True


def test_standard_output(tmp_path, monkeypatch, capfdbinary):
    path = tmp_path / "t.csv"
    path.write_bytes("이름;x\n가;1,5\n".encode("cp949"))
    source = read_source(path, keep_text=True)
    write(pl.DataFrame({"p": [0.5]}), None, source)
    assert capfdbinary.readouterr().out == "이름;x;p\n가;1,5;0,5\n".encode("cp949")
    screen = Screen(io.BytesIO(), encoding="utf-8", newline="")
    monkeypatch.setattr(sys, "stdout", screen)
    write(pl.DataFrame({"p": [0.5]}), None, source)  # a screen has its own encoding
    assert screen.buffer.getvalue().decode() == "이름;x;p\n가;1,5;0,5\n"
    FRAME.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="parquet isn't text that a terminal shows; name a file"):
        write(NEW, None, read_source(tmp_path / "t.parquet"))


def test_bytes_go_down_a_pipe(tmp_path, capfdbinary):
    FRAME.write_parquet(tmp_path / "t.parquet")
    write(NEW, None, read_source(tmp_path / "t.parquet"))
    assert pl.read_parquet(io.BytesIO(capfdbinary.readouterr().out)).equals(FRAME.with_columns(NEW))


def test_what_cannot_be_written_leaves_all_as_it_was(tmp_path):
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    path.write_bytes("a,b\n1,é\n".encode("cp1252"))
    out.write_text("old")
    source = read_source(path, keep_text=True)
    with pytest.raises(InputError, match="'가' doesn't exist in the input's encoding, cp1252; save the input as UTF-8"):
        write(pl.DataFrame({"p": ["가"]}), out, source)
    with pytest.raises(InputError, match="is a folder; name a file"):
        write(pl.DataFrame({"p": ["x"]}), tmp_path, source)
    with pytest.raises(InputError, match=r"nowhere.*can't be written"):
        write(pl.DataFrame({"p": ["x"]}), tmp_path / "nowhere" / "out.csv", source)
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "t.csv"]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('=+-@",;\n\t '), max_size=6
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cells_go_back_as_they_came(tmp_path, rows, separator, end):
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    rows = [(f"a{first}a", f"{second}z") for first, second in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator=end).writerows([("x", "y"), *rows])
    write(pl.DataFrame({"p": range(len(rows))}), out, read_source(path, keep_text=True))
    with out.open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file, delimiter=separator))
    assert written == [["x", "y", "p"], *([*row, str(i)] for i, row in enumerate(rows))]
