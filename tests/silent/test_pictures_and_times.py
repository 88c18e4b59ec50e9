"""Pictures of sixteen bits keep their levels; forecasts' dates exist, in the form of the input; encodings are told."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backlit.data import Pictures, read_source, read_text
from backlit.data.files.writing import as_written
from backlit.data.pictures import read as read_pictures
from backlit.data.series import Spacing
from backlit.data.text.reading import read_as_told


@pytest.mark.parametrize(("highest", "white"), [(4095, 4095), (1023, 1023), (3000, 4095), (65535, 65535)])
def test_pictures_of_sixteen_bits_keep_their_levels(tmp_path, highest, white):
    levels = np.linspace(0, highest, 256).astype(np.uint16).reshape(16, 16)
    paths = []
    for place in range(3):
        paths.append(tmp_path / f"{place}.png")
        Image.fromarray(levels // (place + 1)).save(paths[-1])
    album = read_pictures(paths, cache=tmp_path / "cache")
    assert album.form.white == white
    assert len(np.unique(album.pixels[0])) > 180
    assert read_pictures(paths, cache=tmp_path / "cache").form == album.form
    prepared = Pictures.learn(album.pixels, album.form.white)
    assert Pictures.from_dict(prepared.to_dict()) == prepared
    np.testing.assert_array_equal(prepared.apply(paths), album.pixels)


TIMES = {
    "%Y%m%d": lambda day: int(f"{day:%Y%m%d}"),
    "quarter": lambda day: f"{day.year}Q{(day.month + 2) // 3}",
    "month": lambda day: int(f"{day:%Y%m}"),
    "month-": lambda day: f"{day:%Y-%m}",
    "week": lambda day: "{}-W{:02}".format(*day.isocalendar()[:2]),
}
STEPS = {"%Y%m%d": "1d", "quarter": "3mo", "month": "1mo", "month-": "1mo", "week": "1w"}


@pytest.mark.parametrize("form", TIMES)
@given(start=st.dates(date(1900, 1, 1), date(2100, 1, 1)).filter(lambda day: (day.month, day.day) != (2, 29)))
@settings(max_examples=25, deadline=None)
def test_times_go_on_in_their_own_form(form, start):
    start = start.replace(day=1) if "mo" in STEPS[form] else start
    days = pl.date_range(start, start.replace(year=start.year + 2), STEPS[form], eager=True).to_list()
    written = [TIMES[form](day) for day in days]
    spacing, places = Spacing.learn(pl.Series("t", written[:-5]))
    assert places.tolist() == list(range(places[0], places[0] + len(places)))
    assert spacing.column("t", places[-1] + np.arange(1, 6)).to_list() == written[-5:]
    assert Spacing.from_dict(spacing.to_dict()) == spacing


def test_plain_numbers_are_no_dates():
    assert Spacing.learn(pl.Series("t", [100001, 100002, 100003]))[0].unit == "number"
    assert Spacing.learn(pl.Series("t", [200011, 200012, 200013]))[0].unit == "number"


@pytest.mark.parametrize(
    "cells",
    [
        ["2024년 2월 4일", "2024년 12월 31일"],
        ["2024. 2. 4.", "2024. 12. 31."],
        ["04.02.2024", "31.12.2024"],
        ["2024-02", "2024-12"],
        ["2024/02/04", "2024/12/31"],
        ["04.02.2024 10:05", "31.12.2024 23:00"],
    ],
)
def test_dates_are_written_as_they_were_read(tmp_path, cells):
    path = tmp_path / "t.csv"
    path.write_text("t,x\n" + "".join(f"{cell},1\n" for cell in cells), encoding="utf-8")
    source = read_source(path)
    assert source.frame["t"].dtype.is_temporal()
    assert as_written(source.frame, source.formats)["t"].to_list() == cells


CHINESE = "今天天气很好。我们去公园散步。\n明天可能会下雨。所以请带伞。\n"
JAPANESE = "今日は天気がいいので、公園を散歩しました。\n明日は雨が降るかもしれません。\n"
RUSSIAN = "Сегодня хорошая погода.\nЖивём дружно, идём гулять.\n"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (CHINESE, "gbk", "read as GB18030 (Chinese, GBK)"),
        (JAPANESE, "shift_jis", "read as CP932 (Japanese, Shift-JIS)"),
        (RUSSIAN, "cp1251", "read as CP1251 (Cyrillic)"),
        ("첫 줄\n둘째 줄\n", "cp949", "read as CP949 (Korean)"),
        ("Größe und Maß\nÄpfel\n", "cp1252", "read as CP1252 (Western European)"),
    ],
)
def test_texts_in_other_encodings(tmp_path, text, code, told):
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode(code))
    assert read_as_told(path) == (text, [told])
    assert read_text(path, encoding=code) == text


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (["姓名,年龄", "张三,20", "李四,30"], "gbk"),
        (["名前,都市", "田中,東京", "佐藤,大阪"], "shift_jis"),
        (["имя,возраст", "Иван,20", "Мария,30"], "cp1251"),
        (["類別,標籤", "財經,1", "體育,2"], "big5"),
        (["όνομα,ηλικία", "Γιώργος,20", "Ελένη,30"], "cp1253"),
    ],
)
def test_small_tables_in_other_encodings(tmp_path, rows, code):
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(rows).encode(code))
    frame = read_source(path).frame
    assert frame.columns == rows[0].split(",")
    assert [",".join(map(str, row)) for row in frame.rows()] == rows[1:]
