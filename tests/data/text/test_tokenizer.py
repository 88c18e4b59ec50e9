"""Tokenizers: which numbers a text gets, and that it comes back."""

import json
import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backlit.data.text import END, PADDING, START, UNKNOWN, Tokenizer
from backlit.errors import InputError, ShapeError, UnknownNameError

UNITS = ["characters", "words", "bytes", "syllables", "jamo"]
MIXED = "한글은 1443년에 만들어졌다. ㅋㅋㅋ ㅠㅠ naïve 👍🏽 日本語\n\tEnd"
syllables = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
mixed = st.text(
    st.one_of(
        syllables, st.sampled_from("ㅋㅎㅏ 가각\u1100\u1161\u11a8e\u0301\n😀"), st.characters(exclude_categories=["Cs"])
    )
)


def test_the_special_numbers_come_first_and_tokens_follow_by_frequency_then_code_point():
    tokenizer = Tokenizer.learn("banana bandana")
    assert (PADDING, UNKNOWN, START, END) == (0, 1, 2, 3)
    assert tokenizer.tokens == ("a", "n", "b", " ", "d")
    assert tokenizer.size == 9
    assert tokenizer.encode("nab!").dtype == np.int32
    assert tokenizer.encode("nab!").tolist() == [5, 4, 6, UNKNOWN]


@pytest.mark.parametrize("unit", UNITS)
def test_how_texts_are_cut_into_pieces_changes_nothing(unit):
    whole = Tokenizer.learn(MIXED + "\n" + MIXED, unit)
    pieces = Tokenizer.learn(iter([MIXED + "\n", MIXED]), unit)
    assert whole == pieces
    alone = [whole.encode(text) for text in (MIXED, "", "한 e\u0301", "ab")]
    rows, cut = whole.encode_all([MIXED, "", "한 e\u0301", "ab"])
    assert [row[row != PADDING].tolist() for row in rows] == [ids.tolist() for ids in alone]
    assert not cut.any()


def test_counts_agree_between_few_and_many_characters():
    text = "한글 abc " * 200_000  # above the size from which another way of counting is quicker
    assert Tokenizer.learn(text).tokens == Tokenizer.learn("한글 abc ").tokens[:0] + tuple(
        token for _, token in sorted((-count, token) for token, count in Counter(text).items())
    )


def test_most_and_at_least_choose_among_the_frequent_ones():
    assert Tokenizer.learn("aaabbc", most=2).tokens == ("a", "b")
    assert Tokenizer.learn("aaabbc", at_least=2).tokens == ("a", "b")
    assert Tokenizer.learn("aaabbc", at_least=4).tokens == ()
    assert len(Tokenizer.learn("", "bytes", most=3, at_least=9).tokens) == 256


@pytest.mark.parametrize("unit", UNITS)
def test_a_tokenizer_survives_json(unit):
    tokenizer = Tokenizer.learn(MIXED, unit)
    assert Tokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict()))) == tokenizer


@given(mixed)
def test_characters_come_back_composed(text):
    text += "x"
    tokenizer = Tokenizer.learn(text)
    assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)


@given(mixed)
@example("\u1100\u1161\u11a8 각")
def test_jamo_come_back_as_the_syllables_they_were(text):
    text += "x"
    tokenizer = Tokenizer.learn(text, "jamo")
    assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)
    assert not any(unicodedata.name(token, "").startswith("HANGUL SYLLABLE") for token in tokenizer.tokens)


def test_every_hangul_syllable_is_its_canonical_decomposition():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert len(syllables) == 11_172
    tokenizer = Tokenizer.learn(syllables, "jamo")
    assert len(tokenizer.tokens) == 19 + 21 + 27
    ids = tokenizer.encode(syllables)
    assert "".join(tokenizer.tokens[i - 4] for i in ids) == unicodedata.normalize("NFD", syllables)
    assert tokenizer.decode(ids) == syllables


def test_only_hangul_is_taken_apart_into_jamo_and_a_lone_one_stays():
    assert set(Tokenizer.learn("é한ㅋ", "jamo").tokens) == {"é", "ᄒ", "ᅡ", "ᆫ", "ㅋ"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_take_any_text_as_it_is(text):
    tokenizer = Tokenizer.learn("", "bytes")
    ids = tokenizer.encode(text)
    assert bytes((ids - 4).astype(np.uint8)) == text.encode()
    assert tokenizer.decode(ids) == text
    assert not tokenizer.unseen(text)


def test_bytes_that_are_no_text_are_replaced():
    tokenizer = Tokenizer.learn("", "bytes")
    assert tokenizer.decode([0xED + 4, ord("a") + 4, UNKNOWN, ord("b") + 4, END]) == "\N{REPLACEMENT CHARACTER}a�b"


@pytest.mark.parametrize("unit", ["characters", "bytes", "words", "jamo"])
def test_lone_surrogates_become_the_replacement_character(unit):
    tokenizer = Tokenizer.learn("a \N{REPLACEMENT CHARACTER}", unit)
    assert tokenizer.decode(tokenizer.encode("a \ud800")) == "a �"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't pay 3.14 or 1,000!", ["Don't", "pay", "3.14", "or", "1,000", "!"]),
        ("end.Start 3.end", ["end", ".", "Start", "3", ".", "end"]),
        ("a_b (c) [d]\ne", ["a_b", "(", "c", ")", "[", "d", "]", "\n", "e"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs are marks, not letters
        ("나는 학교에 갔다.", ["나는", "학교에", "갔다", "."]),
        ("cafe\u0301 👍", ["café", "👍"]),
        ("...", [".", ".", "."]),
    ],
)
def test_words(text, tokens):
    tokenizer = Tokenizer("words", tuple(dict.fromkeys(tokens)))
    assert [tokenizer.tokens[i - 4] for i in tokenizer.encode(text)] == tokens


@pytest.mark.parametrize(
    "text",
    [
        'He said: "Don\'t (ever) pay 3.14!" Then left.',
        "Zeile eins.\nZeile zwei; und “mehr”.",
        "안녕하세요, 세계! 가격은 ₩1,000 (세금 포함).",
        'f("x")[0]'.replace("(", " (").replace("[", " ["),
        "50% of $3",
    ],
)
def test_words_decode_readably(text):
    tokenizer = Tokenizer.learn(text, "words")
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_long_text_of_words_is_split_in_pieces_without_cutting_words():
    text = "wonderful " * 250_000
    tokenizer = Tokenizer.learn(text, "words")
    assert tokenizer.tokens == ("wonderful",)
    assert len(tokenizer.encode(text)) == 250_000
    assert tokenizer.encode("x" * 3_000_000).tolist() == [UNKNOWN] * 3  # no space to be split at


def test_rows_of_one_length_tell_what_was_cut():
    tokenizer = Tokenizer.learn("abc")
    rows, cut = tokenizer.encode_all(["abcab", "a", ""], length=4, start=True, end=True)
    assert rows.dtype == np.int32
    assert rows.tolist() == [[START, 4, 5, 6], [START, 4, END, 0], [START, END, 0, 0]]
    assert cut.tolist() == [2, 0, 0]
    rows, cut = tokenizer.encode_all(["abc", "a"], start=True, end=True)
    assert rows.tolist() == [[START, 4, 5, 6, END], [START, 4, END, 0, 0]]
    assert not cut.any()
    assert tokenizer.encode_all(["", ""])[0].tolist() == [[0], [0]]
    assert tokenizer.encode_all([], length=3)[0].shape == (0, 3)


def test_specials_are_dropped_and_the_unknown_shows():
    tokenizer = Tokenizer.learn("abc")
    assert tokenizer.decode([START, 4, UNKNOWN, 5, END, PADDING]) == "a�b"
    assert tokenizer.decode([]) == ""


@pytest.mark.parametrize(("unit", "unseen"), [("words", {"there": 1, "!": 2}), ("jamo", {"e": 2, "r": 1, "!": 2})])
def test_unseen_tokens_are_counted(unit, unseen):
    assert Tokenizer.learn("oh hi the"[:5] + " t", unit).unseen("hi there!!") == Counter(unseen)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Tokenizer.learn(""), InputError, "no text to learn characters from"),
        (lambda: Tokenizer.learn([" ", "\t"], "words"), InputError, "no text to learn words from"),
        (lambda: Tokenizer.learn("a", "word"), UnknownNameError, "did you mean 'words'"),
        (lambda: Tokenizer.learn("a", most=0), InputError, "most must be a whole number from 1, got 0"),
        (lambda: Tokenizer.learn("a", at_least=1.5), InputError, "at_least must be a whole number from 1, got 1.5"),
        (lambda: Tokenizer.learn(["a", None]), InputError, "row 1 is missing; expected text"),
        (lambda: Tokenizer.learn("a").encode(3), InputError, "row 0 is 3; expected text"),
        (lambda: Tokenizer.learn("a").encode_all(["a", float("nan")]), InputError, "row 1 is missing"),
        (lambda: Tokenizer.learn("a").encode_all("abc"), InputError, "put it in a list"),
        (lambda: Tokenizer.learn("a").encode_all(["a"], length=0), InputError, "whole number above 0, got 0"),
        (lambda: Tokenizer.learn("a").encode_all(["a"], length=1, start=True), InputError, "above 1, got 1"),
        (lambda: Tokenizer.learn("a").decode([5]), InputError, "whole numbers from 0 to 4, got int64 5"),
        (lambda: Tokenizer.learn("a").decode([0.5]), InputError, "got float64 0.5"),
        (lambda: Tokenizer.learn("a").decode([[4]]), ShapeError, r"shape \(tokens,\), got \(1, 1\)"),
        (lambda: Tokenizer("characters", ("a", "a")), InputError, "distinct"),
        (lambda: Tokenizer("characters", ("ab",)), InputError, "single characters, got 'ab'"),
        (lambda: Tokenizer("bytes", ("a",)), InputError, "all 256"),
    ],
)
def test_what_cant_be_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["characters", "bytes"])
def test_twenty_megabytes_take_less_than_a_second(unit):
    text = "def f(x): return x  # 주석, naïve\n" * 600_000
    tokenizer = Tokenizer.learn(text[:1000], unit)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        tokenizer.encode(text)
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1
