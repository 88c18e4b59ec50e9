"""The encodings of text tables, and what is no text."""

import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.data.files import charset as encoding
from backlit.errors import InputError

KOREAN = "이름,값,메모\n김철수,1,서울 강남구\n이영희,2,똠방각하 펲시콜라\n"  # the last in CP949, but not in EUC-KR
FRENCH = "prénom,âge,note\nZoë,1,déjà vu\nFrançois,2,naïve – “là” €\n"
GERMAN = "Name,Größe,Ort\nÄrzte,1,Österreich\nMüller,2,Überlingen\nÄgypten,3,ÄÖÜ\n"


@pytest.mark.parametrize(
    ("text", "written", "found", "spoken"),
    [
        (KOREAN, "utf-8", "utf-8", None),
        (KOREAN, "utf-8-sig", "utf-8-sig", "UTF-8 with a byte order mark"),
        (KOREAN, "utf-16", "utf-16-le", "UTF-16 (little-endian)"),
        (KOREAN, "utf-16-le", "utf-16-le", "UTF-16 (little-endian)"),
        (KOREAN, "utf-16-be", "utf-16-be", "UTF-16 (big-endian)"),
        (KOREAN, "utf-32", "utf-32-le", "UTF-32 (little-endian)"),
        (KOREAN, "cp949", "cp949", "CP949 (Korean)"),
        (KOREAN.replace("똠방각하 펲시콜라", "부산"), "euc-kr", "cp949", "CP949 (Korean)"),
        ("이름,b\n1,2\n", "cp949", "cp949", "CP949 (Korean)"),
        ("a,b\n1,가\n", "cp949", "cp949", "CP949 (Korean)"),
        ("단위,값\n℃,1\n", "cp949", "cp949", "CP949 (Korean)"),
        (FRENCH, "cp1252", "cp1252", "CP1252 (Western European)"),
        (GERMAN, "latin-1", "cp1252", "CP1252 (Western European)"),
        ("Stadt,b\nÄrzte,1\n", "latin-1", "cp1252", "CP1252 (Western European)"),
        ("t [°C],b\n1,2\n", "latin-1", "cp1252", "CP1252 (Western European)"),
        ("señor,b\n£5,2\n", "latin-1", "cp1252", "CP1252 (Western European)"),
        (FRENCH, "utf-16-be", "utf-16-be", "UTF-16 (big-endian)"),
        ("a,b\n1,2\n", "ascii", "utf-8", None),
    ],
)
def test_encodings_are_found(tmp_path, text, written, found, spoken):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(written))
    source = read_source(path)
    header, *rows = [line.split(",") for line in text.splitlines()]
    assert source.frame.columns == header
    assert source.frame.select(pl.all().cast(pl.String)).rows() == [
        tuple(cell.replace("£5", "5") for cell in row) for row in rows
    ]
    assert source.encoding == found
    assert (f"read as {spoken}" in source.notes) == (spoken is not None)


@pytest.mark.parametrize("code", ["cp949", "utf-8", "utf-16"])
def test_pieces_may_end_within_a_character(tmp_path, monkeypatch, code):
    monkeypatch.setattr(encoding, "CHUNK", 3)
    monkeypatch.setattr(encoding, "SAMPLE", 5)
    path = tmp_path / "t.csv"
    path.write_bytes(KOREAN.encode(code))
    assert read(path).columns == ["이름", "값", "메모"]


def test_what_is_written_otherwise_far_down(tmp_path):
    path = tmp_path / "t.csv"
    plain = "a,b\n" + "1,x\n" * 600_000
    for code, found in (("cp949", "cp949"), ("latin-1", "cp1252")):
        last = "가나다" if code == "cp949" else "é"
        path.write_bytes((plain + f"2,{last}\n").encode(code))
        source = read_source(path)
        assert (source.encoding, source.frame["b"][-1]) == (found, last)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PAR1\x15\x04\x15", r"t\.csv isn't what its name says: it is a Parquet file; .* ends in \.parquet"),
        (b"PK\x03\x04\x14\0", r"it is a zip archive \(Excel and NumPy files are such\)"),
        (b"ARROW1\0\0", "it is an Arrow file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "it is an old Excel or Office file"),
        (b"\x89PNG\r\n\x1a\n", "it is a picture; save it as CSV"),
        (b"%PDF-1.4\n", "it is a PDF"),
        (b"\x1f\x8b\x08\0", "it is compressed by gzip"),
        (b"a,b\n1,\x01\n", r"isn't text \(it looks binary\)"),
        (b"\xff\xfea\0,\0\n", "it starts as UTF-16"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "it starts as UTF-8 with a byte order mark, but"),
        (b"a,b\n1,\x81\n", "isn't text"),
        (b"a,b\n1,\0,\n", "isn't text"),
        (bytes(range(1, 256)), "isn't text"),
    ],
)
def test_what_is_no_text(tmp_path, data, message):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read(path)


COMMON = [chr(code) for code in range(0xAC00, 0xD7A4) if len(chr(code).encode("euc_kr", "ignore")) == 2]


def test_the_korean_standard_has_2350_syllables():
    assert len(COMMON) == 2350


@given(st.lists(st.text(COMMON, min_size=1), min_size=1), st.sampled_from(["cp949", "utf-8", "utf-16-le", "utf-16-be"]))
def test_any_korean_words_are_found_to_be_korean(words, code):
    text = "a,b\n" + "".join(f"{i},{word}\n" for i, word in enumerate(words))
    converted, found = encoding.as_utf8(text.encode(code), io)
    assert (converted.decode(), found) == (text, code)


@given(st.text("abcdefgäöüßéèàçñåøæÄÖÜ", min_size=4), st.integers(3, 9))
def test_western_words_are_not_taken_for_korean(word, count):
    """As words have it: not more than one letter in three has an accent."""
    text = ",".join(["plain"] * count) + "\n" + "".join(f"{letter}an, " for letter in word)
    if text.isascii():
        return
    assert encoding.as_utf8(text.encode("cp1252"), io)[1] == "cp1252"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
@pytest.mark.parametrize("words", [["Москва", "Самара", "Казань"], ["привет"], ["да", "нет"], ["москва".upper()]])
def test_cyrillic_words_alone_tell_their_encoding(tmp_path, encoding, words):
    path = tmp_path / "t.csv"
    cells = [words[i % len(words)] if i % 3 else "plain" for i in range(40)]
    path.write_bytes(("name,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(cells))).encode(encoding))
    source = read_source(path)
    assert source.frame["name"].to_list() == cells
    assert any("Cyrillic" in note for note in source.notes)
