"""Text tables as people lay them out: separators, headers further down, what the user says of a file."""

import csv
import io

import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.errors import InputError


@pytest.fixture
def write(tmp_path):
    def written(text, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


BLANKS = 'name   height weight\nAnn\t 170   61.5\n"Bo Li" 181 80\n  Cy 165   55 \n'


def test_blanks_separate_as_pandas_reads_them(write):
    path = write(BLANKS, "t.dat")
    theirs = pandas.read_csv(path, sep=r"\s+")
    source = read_source(path)
    assert source.frame.columns == list(theirs.columns)
    assert source.frame.rows() == list(theirs.itertuples(index=False, name=None))
    assert source.separator == " "


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a:b\n1:x\n2:y\n", [(1, "x"), (2, "y")]),
        ("a::b::c\n1::x::3\n2::y::4\n", [(1, "x", 3), (2, "y", 4)]),
        ("time\n10:05\n11:10\n", [("10:05:00",), ("11:10:00",)]),
        ("time:zone\n10:05\n11:10\n", [("10:05:00",), ("11:10:00",)]),
    ],
)
def test_colons_separate_what_are_no_times(write, text, rows):
    options = {"separator": "::"} if "::" in text else {}
    frame = read(write(text), **options)
    assert [tuple(str(v) if frame.width == 1 else v for v in row) for row in frame.rows()] == rows


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Survey of 2024\na,b,c\n1,2,3\n4,5,6\n7,8,9\n1,2,3\n", 2),
        ("Survey\nby us, and others\n\na,b,c\n1,2,3\n4,5,6\n7,8,9\n1,2,3\n", 4),
        ("Survey;;\n;;\na;b;c\n1;2;3\n4;5;6\n7;8;9\n", None),  # as wide as the table: nothing tells
    ],
)
def test_lines_above_the_table(write, text, line):
    source = read_source(write(text))
    if line is None:
        assert source.frame.columns[0] == "Survey"
        assert read(write(text), skip_lines=2).columns == ["a", "b", "c"]
        return
    assert source.frame.columns == ["a", "b", "c"]
    assert source.frame.rows()[0] == (1, 2, 3)
    assert f"the columns' names stand in line {line}" in source.notes


def test_a_wrong_line_below_a_preamble_is_told_by_its_line(write):
    with pytest.raises(InputError, match="line 7: 2 values, but the header has 3 columns"):
        read(write("About\n\na,b,c\n1,2,3\n4,5,6\n7,8,9\n1,2\n" + "1,2,3\n" * 9))


@pytest.mark.parametrize("separator", [",", " ", "\t", ";"])
@pytest.mark.parametrize("quoted", [True, False])
def test_row_names_of_r(write, separator, quoted):
    """As R's write.table writes them: the header has one name less than each row."""
    mark = '"' if quoted else ""
    lines = [["mpg", "cyl"], [f"{mark}Mazda{mark}", "21.0", "6"], [f"{mark}Fiat{mark}", "32.4", "4"]]
    source = read_source(write("".join(separator.join(line) + "\n" for line in lines), "t.txt"))
    assert source.frame.columns == ["column_1", "mpg", "cyl"]
    assert source.frame.rows() == [("Mazda", 21.0, 6), ("Fiat", 32.4, 4)]
    counted = "".join(separator.join(row) + "\n" for row in [["a", "b"], ["1", "5", "6"], ["2", "7", "8"]])
    assert read(write(counted)).rows() == [(1, 5, 6), (2, 7, 8)]


def test_rows_that_are_too_long_are_no_row_names(write):
    with pytest.raises(InputError, match="line 2: 3 values, but the header has 2 columns"):
        read(write("price,count\n1,5,3\n9,7,4\n5,2,8\n"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("time,speed,name\ns,m/s,\n1,2.5,x\n2,3.5,y\n3,4.5,z\n", {"time": [1, 2, 3], "speed": [2.5, 3.5, 4.5]}),
        ("time,speed\n[s],[km/h]\n1,2.5\n2,3.5\n3,4.5\n", {"time": [1, 2, 3], "speed": [2.5, 3.5, 4.5]}),
        ("time\n(s)\n1\n2\n3\n", {"time": [1, 2, 3]}),
    ],
)
def test_a_row_of_units(write, text, columns):
    source = read_source(write(text))
    assert {name: source.frame[name].to_list() for name in columns} == columns
    assert any("the first row holds units and is left out (time in s" in note for note in source.notes)


@pytest.mark.parametrize(
    "text", ["a,b\nx,unknown\ny,2\nz,3\nw,4\n", "a,b\n#REF!,5\n1,2\n1,3\n1,4\n", "a,b\nkg,m\nx,y\nkg,m\nz,w\n"]
)
def test_what_are_no_units(write, text):
    assert read(write(text)).height == 4


def test_lines_are_counted_with_units_and_preamble(write):
    text = "About\n\nt,v,w\ns,m,kg\n" + "".join(f"{i},{i}.5,1\n" for i in range(1, 9)) + "9,oops,1\n"
    with pytest.raises(InputError, match=r"line 13, column 'v': expected a number"):
        read_source(write(text), formats={"v": "number"})


def test_without_a_header(write):
    source = read_source(write("1,2.5\n3,4\n"), header=False)
    assert source.frame.rows() == [(1, 2.5), (3, 4.0)]
    assert source.frame.columns == ["column_1", "column_2"]
    assert source.notes == ()
    assert read_source(write("5,6\n7,8\n"), formats=source.formats).frame.rows() == [(5, 6), (7, 8)]
    with pytest.raises(InputError, match=r"line 2, column 'column_1': expected a number"):
        read_source(write("5,6\nx,8\n"), formats=source.formats)
    big = "".join(f"{i}.5,x{i}\n" for i in range(9000))
    assert read(write(big), header=False).height == 9000
    notes = read_source(write("1,2.5\n3,4\n")).notes
    assert "read it with header=False (--no-header)" in notes[0]


def test_lines_that_the_user_skips(write):
    text = "1,2,3\nnonsense\na,b,c\n1,2,3\n"
    source = read_source(write(text), skip_lines=2)
    assert source.frame.rows(named=True) == [{"a": 1, "b": 2, "c": 3}]
    assert read_source(write(text), formats=source.formats).frame.equals(source.frame)


def test_separators_that_the_user_names(write):
    assert read(write("a b,c d\n1 2,3 4\n"), separator=",").columns == ["a b", "c d"]
    assert read(write("a b,c d\n1 2,3 4\n"), separator=" ").columns == ["a", "b,c", "d"]
    assert read(write("a~b\n1~2\n"), separator="~").rows() == [(1, 2)]
    source = read_source(write("a::b\n1::x y\n"), separator="::")
    assert source.frame.rows() == [(1, "x y")]
    assert read_source(write("a::b\n3::z\n"), formats=source.formats).frame.rows() == [(3, "z")]


def test_encodings_that_the_user_names(write):
    path = write("이름\n가나\n".encode("cp949"))
    assert read(path, encoding="cp949").rows() == [("가나",)]
    assert read(write("a\nж\n".encode("koi8-r")), encoding="koi8-r").rows() == [("ж",)]
    assert read(write("\ufeffa\nж\n".encode("utf-16-le")), encoding="utf-16-le").columns == ["a"]
    with pytest.raises(InputError, match="there is no encoding 'cp9999'; name one such as utf-8"):
        read(path, encoding="cp9999")
    with pytest.raises(InputError, match="isn't text in the encoding utf-8: byte 0 makes no sense in it"):
        read(path, encoding="utf-8")


def test_what_the_user_counts_as_missing(write):
    path = write("x,c\n1,NA\n-999,-\n3,b\n")
    assert read(path).rows() == [(1, None), (-999, None), (3, "b")]
    source = read_source(path, missing=["-999"])
    assert source.frame.rows() == [(1, "NA"), (None, "-"), (3, "b")]
    assert read_source(path, formats=source.formats).frame.equals(source.frame)
    assert read(path, missing=[]).rows() == [(1, "NA"), (-999, "-"), (3, "b")]
    assert "read as missing: 'NA' in 1 cell, '-' in 1 cell" in read_source(path).notes[0]
    many = "x,y\n" + "".join(f"{i / 8},{i}\n" for i in range(9000)) + "-999,1\n"
    assert read(write(many), missing=["-999"])["x"].null_count() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip_lines": -1}, "skip_lines must be a whole number"),
        ({"skip_lines": 1.5}, "skip_lines must be a whole number"),
        ({"header": 1}, "header must be True or False"),
        ({"separator": '"'}, "separator must be characters without quotes"),
        ({"separator": ""}, "separator must be characters without quotes"),
        ({"missing": "NA"}, r"missing must be a list of texts such as \['NA', '999'\], got 'NA'"),
        ({"decimal": ";"}, "the decimal mark must be"),
    ],
)
def test_options_that_make_no_sense(write, options, message):
    with pytest.raises(InputError, match=message):
        read(write("a\n1\n"), **options)


def test_comments_take_no_longer_than_their_lines(write):
    """A pattern that could match line ends in two ways took for ever on 42 of them."""
    text = b"# note" + b"\r\n" * 50_000 + b"x,y\r\n1,0\r\n2,1\r\n"
    assert read(write(text)).rows() == [(1, 0), (2, 1)]


WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]) | st.sampled_from(" ,;:가"), min_size=1, max_size=6)


@given(st.lists(st.tuples(WORDS, st.integers(), WORDS), min_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_with_blanks_are_read_as_python_wrote_them(tmp_path, rows):
    rows = [(f"a{first}a", number % 1000, f"z{last}z") for first, number, last in rows]
    text = io.StringIO()
    csv.writer(text, delimiter=" ", lineterminator="\n").writerows([("first", "n", "last"), *rows])
    path = tmp_path / "t.txt"
    path.write_text(text.getvalue(), encoding="utf-8")
    frame = read(path, separator=" ")
    assert frame.rows() == rows
    assert frame["n"].dtype == pl.Int64
