"""Labels that can be drawn, fonts, colours."""

import logging
import shutil
import warnings
from io import BytesIO

import pytest
from matplotlib import font_manager

import backlit as bl
from backlit.inspect.plots import style


@pytest.fixture(autouse=True)
def unsaid():
    style._say_once.cache_clear()


def test_hangul_without_a_korean_font_is_written_in_latin_letters_and_said_once(monkeypatch, caplog) -> None:
    monkeypatch.setattr(style, "_korean_font", lambda: None)
    with caplog.at_level(logging.WARNING, "backlit"):
        assert style.label("손실 (loss)") == "sonsil (loss)"
        assert style.label("가") != style.label("나")
        assert style.label("漢 ㄱ") == "? ?"
    (said,) = caplog.messages
    assert "install a Korean font" in said


def test_what_a_font_has_is_kept(monkeypatch, caplog) -> None:
    monkeypatch.setattr(style, "_korean_font", lambda: "a Korean font")
    have = {"DejaVu Sans": frozenset(map(ord, " ∂L₃…")), "a Korean font": frozenset(map(ord, "손실"))}
    monkeypatch.setattr(style, "_characters", have.__getitem__)
    assert style.label("손실 ∂L₃…") == "손실 ∂L₃…"
    assert not caplog.messages


def test_a_figure_with_hangul_is_drawn_without_a_warning_about_glyphs(monkeypatch) -> None:
    monkeypatch.setattr(style, "_korean_font", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = bl.plots.confusion([[3, 1], [0, 2]], ["고양이", "개"])
        figure.savefig(BytesIO(), format="png")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["goyangi", "gae"]


def test_a_font_that_was_installed_since_matplotlib_made_its_list_is_found(monkeypatch, tmp_path) -> None:
    serif = font_manager.findfont("DejaVu Serif")
    installed, broken = tmp_path / "DejaVu_Serif-Regular.ttf", tmp_path / "DejaVuSerifBroken.ttf"
    shutil.copy(serif, installed)
    broken.write_bytes(b"no font")
    known = [font for font in font_manager.fontManager.ttflist if font.name != "DejaVu Serif"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(broken), str(installed), "/nowhere/Other.ttf"])
    monkeypatch.setattr(style, "_KOREAN_FONTS", ("DejaVu Serif",))
    style._korean_font.cache_clear()
    try:
        assert style.fonts() == ["DejaVu Sans", "DejaVu Serif"]
        assert font_manager.findfont("DejaVu Serif") == str(installed)
    finally:
        style._korean_font.cache_clear()


def test_texts_get_the_korean_font_beside_the_latin_one(monkeypatch) -> None:
    import matplotlib as mpl

    before = list(mpl.rcParams["font.family"])
    monkeypatch.setattr(style, "fonts", lambda: ["DejaVu Sans", "DejaVu Serif"])
    axis = bl.plots.confusion([[3, 1], [0, 2]]).axes[0]
    texts = [axis.title, axis.xaxis.label, *axis.get_yticklabels(), *axis.texts]
    assert all(text.get_fontfamily() == ["DejaVu Sans", "DejaVu Serif"] for text in texts)
    assert mpl.rcParams["font.family"] == before


def test_figures_open_no_window() -> None:
    import matplotlib.pyplot as plt

    bl.plots.confusion([[1]])
    assert plt.get_fignums() == []


def test_the_first_64_classes_look_different() -> None:
    assert len({tuple(style.class_style(k).values()) for k in range(64)}) == 64


def test_labels_added_to_a_figure_later_get_the_korean_font_too(monkeypatch) -> None:
    monkeypatch.setattr(style, "fonts", lambda: ["DejaVu Sans", "DejaVu Serif"])
    figure, axis = bl.plots.figure()
    axis.plot([0, 1], label="loss")
    axis.set(xlabel="epoch", title="loss")
    axis.set_xticks([0, 1], ["first", "last"])
    axis.annotate("here", (0, 0))
    chosen = axis.text(0, 0, "as chosen", family="monospace")
    axis.legend()
    figure.savefig(BytesIO(), format="png")
    texts = [axis.title, axis.xaxis.label, *axis.get_xticklabels(), axis.texts[0], *axis.get_legend().get_texts()]
    assert all(text.get_fontfamily() == ["DejaVu Sans", "DejaVu Serif"] for text in texts)
    assert chosen.get_fontfamily() == ["monospace"]


def test_lines_in_a_figure_of_one_s_own_have_colours_that_everyone_can_tell_apart() -> None:
    _, axes = bl.plots.figure(1, 2)
    for axis in axes:
        lines = [axis.plot([0, 1])[0] for _ in style.COLOURS]
        assert tuple(line.get_color() for line in lines) == style.COLOURS
