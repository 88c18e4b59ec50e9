"""Text tables: what separates them, odd and broken ones, names, what is said of them."""

import csv
import gzip
from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.data.files import delimited, scan
from backlit.errors import BacklitError, InputError


@pytest.fixture
def write(tmp_path):
    """A file of this text or these bytes."""

    def written(content, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return written


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_korean_headers_quotes_and_missing_values(write, separator):
    lines = [["이름", "키", "메모"], ["가", "1.5", '"a\nb"'], ["나", "NA", "x"], ["다", "", "?"], ["라", "-", "--"]]
    source = read_source(write("\n".join(separator.join(line) for line in lines) + "\n"))
    assert source.separator == separator
    assert source.frame.columns == ["이름", "키", "메모"]
    assert source.frame["키"].to_list() == [1.5, None, None, None]
    assert source.frame["메모"].to_list() == ["a\nb", "x", None, None]


@pytest.mark.parametrize("missing", ["", "NA", "N/A", "NaN", "null", "-", "?", "--", "nan", " NA ", '""'])
def test_words_for_missing_values(write, missing):
    frame = read(write(f"n,t,d\n1,x,2024-01-31\n{missing},{missing},{missing}\n2,y,2024-02-01\n"))
    assert frame.rows() == [(1, "x", date(2024, 1, 31)), (None, None, None), (2, "y", date(2024, 2, 1))]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\r\n1,x\r\n2,y\r\n", [(1, "x"), (2, "y")]),
        ("a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
        ("a,b\n1,x\r\n2,y\r3,z", [(1, "x"), (2, "y"), (3, "z")]),
        ("a,b\n\n1,x\n\n2,y\n\n", [(1, "x"), (2, "y")]),
        ("\n \r\na,b\n1,x\n", [(1, "x")]),
        ('a,b\n5,3" screw\n4,2"\n', [(5, '3" screw'), (4, '2"')]),
        ("a, b\n1, 2\n3, NA\n", [(1, 2.0), (3, None)]),
        ("a, b\n1, x\n3,  \n", [(1, "x"), (3, None)]),
        ('a, b\n1, "x, y"\n', [(1, "x, y")]),
        ('a, b\n1, "x" \n', [(1, "x")]),
        ('a, b\n1,"x ""y"" z"\n', [(1, 'x "y" z')]),
        ('"a,c;d";b\n1;x\n', [(1, "x")]),
        ('"a\nq",b\n1,x\n', [(1, "x")]),
        ("a,b\n1,\n2,\n", [(1, None), (2, None)]),
        ('a,b\n1,"x\n\ny"\n', [(1, "x\n\ny")]),
        ("a,b\n,\n1,x\n", [(None, None), (1, "x")]),
        ("a,b\n1,x\n2,y\x1a", [(1, "x"), (2, "y")]),
        ("sep=;\na;b\n1;x\n", [(1, "x")]),
        ('"sep=|"\r\na|b\r\n1|x\r\n', [(1, "x")]),
        ("# made by hand, 2024\n# again\n\na,b\n1,x\n", [(1, "x")]),
        ("#a,b\n1,x\n", [(1, "x")]),
        ("# a,b\n1,2.5\n", [(1, 2.5)]),  # as numpy.savetxt writes it
        ("a,b\n#1,x\n", [("#1", "x")]),
        ("a;b, in €\n1;x\n2;y\n", [(1, "x"), (2, "y")]),
        ("a,b\n1,x|y|z\n2,y;z\n", [(1, "x|y|z"), (2, "y;z")]),
        ("a\tb (1, 2)\n1\tx, y\n2\tz\n", [(1, "x, y"), (2, "z")]),
        ("a,b,\n1,x,\n2,y,\n", [(1, "x"), (2, "y")]),
        ("a,b\n1,x,\n2,y,\n", [(1, "x"), (2, "y")]),
        ("a,b,\n1,x\n2,y\n", [(1, "x"), (2, "y")]),
        ("a,b,,\n1,x,,\n,,,\n,,,\n", [(1, "x")]),
    ],
)
def test_odd_but_readable_files(write, text, rows):
    assert read(write(text)).rows() == rows


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a\n1\n\n3\n\n", [1, 3]),
        ('a\n1\n""\n3\n', [1, None, 3]),
        ("a\r\n1.5\r\n2\r\n", [1.5, 2.0]),
        ("a\n1,5\n2,5\n", [1.5, 2.5]),
        ("a\nHello, you\nx\n", ["Hello, you", "x"]),
        ('a\n"Hello, you"\nx\n', ["Hello, you", "x"]),
        ("a\nx", ["x"]),
    ],
)
def test_files_of_one_column(write, text, values):
    assert read(write(text)).to_dict(as_series=False) == {"a": values}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv is empty$"),
        ("\n \n\n", "is empty: it holds nothing but empty lines"),
        ("\ufeff", "is empty"),
        ("a,b\n", "a header but no rows"),
        ("a,b", "a header but no rows"),
        ("a,b\n,\n , \n", "a header but no rows"),
        ("a,b\n1,2\n1,2,3\n", r"t\.csv, line 3: 3 values, but the header has 2 columns; mend the line"),
        ("a,b\n1,2\n1\n", r"line 3: 1 value, but the header has 2 columns"),
        ("a,b\n1,2\n1\n3,4\n5,6\n", r"line 3: 1 value,"),
        ("a,b,c\n1,2,3\n1,2\n3,,\n", r"line 3: 2 values,"),
        ('a,b\n1,"x\n\ny"\n1,2,3\n', r"line 5: 3 values"),
        ("\n\na,b\n1,2,3\n", r"line 4: 3 values"),
        ("a\n1,2,3\n4,5,6\n", r"line 2: 3 values, but the header has 1 column;"),
        ('a,b\n3,4\n"1,2\n', r"line 3: a quote is opened, but not closed"),
        ('a,b\n3,4\n1,"2\n5,6\n' + "7,8\n" * 50_000, r"line 3: a quote is opened, but not closed"),
    ],
)
def test_broken_files(write, text, message):
    with pytest.raises(InputError, match=message):
        read(write(text))


def test_names_of_columns(write):
    source = read_source(write("a, a,,a_2,\n1,2,3,4,\n5,6,7,8,\n,,,,\n"))
    assert source.frame.columns == ["a", "a_3", "column_3", "a_2"]
    assert source.frame.rows() == [(1, 2, 3, 4), (5, 6, 7, 8)]
    assert source.notes == (
        "1 empty column at the right left out",
        "1 empty row at the end left out",
        "column 2 has the name of column 1, 'a': called 'a_3'",
        "column 3 has no name in the header: called 'column_3'",
    )
    assert read(write(",column_1\n1,2\n")).columns == ["column_1_2", "column_1"]
    assert read(write(",b\n,1\n,2\n")).columns == ["column_1", "b"]  # only at the right are empty columns left out


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("1,2.5\n3,4\n", True),
        ("7\n8\n", True),
        ("0,1,2\n3,4,5\n", False),
        ("a,1\n3,4\n", False),
        (",7,9\n0,1,2\n", True),
    ],
)
def test_a_header_of_numbers_is_told(write, text, noted):
    notes = read_source(write(text)).notes
    assert any("the first line looks like data" in note for note in notes) == noted


def test_where_the_header_stands_is_told(write):
    assert read_source(write("\n\na,b\n1,2\n")).notes == ("the columns' names stand in line 3",)
    assert read_source(write("# about\r\n# it\r\n\r\na,b\r\n1,2\r\n")).notes == ("the columns' names stand in line 4",)


def test_values_separated_by_spaces(write):
    source = read_source(write("Chins Situps  Jumps\n 5 162 60\n 2 110 60\n"))
    assert source.frame.columns == ["Chins", "Situps", "Jumps"]
    assert source.frame.rows() == [(5, 162, 60), (2, 110, 60)]
    assert source.separator == " "
    assert source.notes == ("blanks separate the values",)
    assert read_source(write("a title\nof one\nand\n")).notes == ()
    assert read_source(write("first last\nJane Doe\nJohn Poe\n")).notes == (
        "'first last' is one column; if spaces separate its values, read it with separator=' ' (--separator ' ')",
    )


def test_names_of_files_are_no_patterns(write):
    write("a\n1\n", "houses.csv")
    assert read(write("a\n2\n", "house*.csv"))["a"].to_list() == [2]
    write("a\n4\n", "집1.csv")
    assert read(write("a\n3\n", "집[1].csv"))["a"].to_list() == [3]


def test_compressed_files(write):
    assert read(write(gzip.compress(b"a,b\n1,x\n"), "t.csv.gz")).rows() == [(1, "x")]
    assert read_source(write(gzip.compress(b"a\tb\n1\tx\n"), "t.tsv.gz")).format == "tsv"
    with pytest.raises(InputError, match=r"can't be decompressed: .*; is it damaged"):
        read(write(gzip.compress(b"a,b\n1,x\n" * 99)[:-9], "t.csv.gz"))
    with pytest.raises(InputError, match=r"can't be decompressed"):
        read(write(b"a,b\n1,x\n", "t.csv.gz"))
    with pytest.raises(InputError, match="is empty"):
        read(write(gzip.compress(b""), "t.csv.gz"))
    with pytest.raises(InputError, match=r"it is compressed by gzip; .* ends in \.csv\.gz"):
        read(write(gzip.compress(b"a,b\n1,x\n")))


def test_files_that_are_no_tables(write, tmp_path):
    write("a\n1\n", "houses.csv")
    with pytest.raises(InputError, match=r"there is no file .*house\.csv; did you mean .*houses\.csv"):
        read(tmp_path / "house.csv")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"there is no file .*nowhere"):
        read(tmp_path / "nowhere" / "t.csv")
    for name in ("a" * 5000, "a\0b"):
        with pytest.raises(InputError, match=r"can't be read|there is no file"):
            read(name)
    with pytest.raises(InputError, match=r"noise\.csv isn't text \(it looks binary\)"):
        read(write(bytes(range(256)) * 20, "noise.csv"))
    with pytest.raises(InputError, match=r"zeros\.csv isn't text"):
        read(write(b"\0" * 100, "zeros.csv"))
    with pytest.raises(InputError, match="the decimal mark must be"):
        read(write("a\n1\n"), decimal=";")


def test_large_files_with_oddities_far_from_their_beginning(write):
    """What the fast way can't read is found, however late, and read in the slow one or told by its line."""
    rows = [f"{i}.5,x{i},{i}" for i in range(60_000)]
    text = "a,b,c\n" + "\n".join(rows)
    source = read_source(write(text))
    assert source.frame.rows() == [(i + 0.5, f"x{i}", i) for i in range(60_000)]
    assert source.formats == {"a": "number", "b": "text", "c": "number"}
    assert read(write(text + "\nNA,x,02\n")).dtypes == [pl.Float64, pl.String, pl.String]
    assert read(write(text + "\nlarge,x,2\n"))["a"][-1] == "large"
    assert read(write(text + "\n\n1,x,2\n")).height == 60_001
    assert read(write(text + '\n1,x"y,2\n'))["b"][-1] == 'x"y'
    assert read(write(text + "\n1,x,2.5\n"))["c"][-2:].to_list() == [59_999.0, 2.5]
    for last in ("1,x", "1,x,2,3", "1", "1,x,,3"):
        with pytest.raises(InputError, match=r"line 60002: \d value"):
            read(write(f"{text}\n{last}\n"))
    with pytest.raises(InputError, match=r"line 60002: 2 values"):
        read(write(f"{text}\n1,x\n1,x,\n"))
    korean = read_source(write(f"{text}\n1,가나,2\n", encoding="cp949"))
    assert (korean.encoding, korean.frame["b"][-1]) == ("cp949", "가나")


def test_the_fast_and_the_slow_way_agree(write, monkeypatch):
    path = write('a,b\n1,"x, ""y"""\n2,\n3,"z\r\n"\n')
    fast = read(path)
    monkeypatch.setattr(scan, "is_regular", lambda *_: False)
    assert read(path).equals(fast)


def test_what_polars_reads_in_part_is_noticed(write, monkeypatch):
    path = write("a,b\n1,2\n3,4\n")
    monkeypatch.setattr(delimited, "_parse", lambda *_: pl.DataFrame({"a": ["1"], "b": ["2"]}))
    with pytest.raises(InputError, match="can't be read as CSV: of its 2 rows not all make sense"):
        read(path)


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ("a,b\n1,2\n", True),
        ('a,"b"\n"1","2"', True),
        ('"a ""b""","c,d"\r\n"",x\r\n', True),
        ('a"b,c\n', False),
        ('"a" ,b\n', False),
        (' "a",b\n', False),
        ('"a,b\n', False),
        ("a\rb\n", False),
        ("a\n\r", False),
    ],
)
def test_regular_quotes(text, regular, monkeypatch):
    for size in (1, 2, 3, 1 << 20):  # wherever pieces end
        monkeypatch.setattr(scan, "PIECE", size)
        assert scan.is_regular(text.encode(), ",") == regular


@given(st.text('a,"\n', max_size=30).filter(lambda t: scan.is_regular(t.encode(), ",")))
def test_counting_outside_of_quotes(text):
    within, outside = False, 0
    for character in text:
        within ^= character == '"'
        outside += character == "," and not within
    assert scan.count_outside(text.encode(), ord(",")) == outside


def test_progress_is_told(write):
    told = []
    read_source(write("a,b\n1,2\n"), progress=lambda stage, done: told.append((stage, done)))
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[0][1] == 0
    assert told[-1] == ("making values of text", 1.0)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from(' ,;|"\n\t가나다'), max_size=8
)


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1)),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp949"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_writer_wrote_is_read(tmp_path, rows, separator, end, encoding, quoting):
    """Text comes back as it was, but for spaces around it; a letter before each word keeps it text."""
    rows = [["z" + word + "z" for word in row] for row in rows]
    if encoding == "cp949":
        rows = [[word.encode("cp949", "ignore").decode("cp949") + "가나" for word in row] for row in rows]
    header = [f"수{i}" for i in range(len(rows[0]))]
    path = tmp_path / "t.csv"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting).writerows([header, *rows])
    frame = read(path)
    assert frame.columns == header
    assert frame.rows() == [tuple(row) for row in rows]


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3)) | st.none()


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), NUMBERS, st.dates(date(1000, 1, 1))), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_that_a_writer_wrote_are_read(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("n", "x", "d"), *rows])
    assert read(path).rows() == rows


@given(
    st.binary(max_size=200) | st.text('ab12.,;"\n\t\r -/:%€가', max_size=60).map(str.encode),
    st.sampled_from(["csv", "tsv", "csv.gz", "jsonl", "npz", "txt"]),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_lead_to_another_error(tmp_path, data, ending):
    path = tmp_path / f"t.{ending}"
    path.write_bytes(gzip.compress(data) if ending == "csv.gz" else data)
    try:
        source = read_source(path, keep_text=True)
    except BacklitError:
        return
    again = read_source(path, formats=source.formats)
    assert again.frame.equals(source.frame)
