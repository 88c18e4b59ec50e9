"""Sentences with named values, in each language."""

import copy
import dataclasses
import json

import pytest

import backlit as bl
from backlit.languages import NAMES, Message, Template, check_language, glossary, join, particle, restored

LOST = Template(en="{share:.0%} of the units of {layer} are off", ko="{layer} 유닛의 {share:.0%}{이/가} 꺼져 있음")
LAYER = Template(en="layer {path}", ko="{path}번 층")


def test_a_template_has_every_language() -> None:
    assert {own.name for own in dataclasses.fields(Template)} == set(NAMES)


def test_values_are_formatted_and_messages_within_follow_the_language() -> None:
    message = LOST.of(share=0.123, layer=LAYER.of(path="2/body"))
    assert str(message) == "12% of the units of layer 2/body are off"
    assert message.within("ko") == "2/body번 층 유닛의 12%가 꺼져 있음"
    assert LOST.places("en") == LOST.places("ko") == {"share", "layer"}


def test_messages_are_values() -> None:
    assert LAYER.of(path="0") == Message(LAYER, {"path": "0"})
    assert LAYER.of(path="0") != LAYER.of(path="1")


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="path"):
        str(LAYER.of())


@pytest.mark.parametrize(
    ("text", "forms", "form"),
    [
        ("데이터", "은/는", "는"), ("학습", "은/는", "은"), ("서울", "을/를", "을"), ("softmax", "을/를", "를"),
        ("sigmoid", "을/를", "를"), ("column", "이/가", "이"), ("3", "이/가", "이"), ("4", "이/가", "가"),
        ("'값'", "과/와", "과"), ("7", "으로/로", "로"), ("3", "으로/로", "으로"), ("100%", "은/는", "는"),
        ("", "은/는", "는"),
    ],
)  # fmt: skip
def test_particles(text: str, forms: str, form: str) -> None:
    assert particle(text, forms) == form


def test_unknown_languages() -> None:
    assert check_language("ko") == "ko"
    with pytest.raises(bl.errors.UnknownNameError, match="language of the lessons 'fr'"):
        check_language("fr", of="the lessons")


def test_sentences_know_their_languages_through_lists_files_and_pickles() -> None:
    count = Template("{count} rows of {name!r}", "‘{name}’ {count}개").say(count=3, name="a'b")
    assert count == '3 rows of "a\'b"'
    judgement = {"notes": [join("; ", [count, "plain"])], "rivals": {count: {"mae": 1.0}}, "rows": 3}
    words = glossary(judgement)
    assert words == {
        '3 rows of "a\'b"; plain': {"ko": "‘a'b’ 3개; plain"},
        '3 rows of "a\'b"': {"ko": "‘a'b’ 3개"},
    }
    read = json.loads(json.dumps(judgement))
    assert read == judgement
    assert glossary(read) == {}
    again = restored(read, words)
    assert again == judgement
    assert glossary(again) == words
    assert copy.deepcopy(judgement)["notes"][0].within("ko") == "‘a'b’ 3개; plain"
    assert isinstance(count.within("en"), str)
