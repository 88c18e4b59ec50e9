"""The studio's protocol: declared once, checked on both sides, written out for the page and for people."""

import json
import shutil
import struct
import subprocess

import numpy as np
import pytest

from backlit.errors import InputError
from backlit.studio import declare, wire
from backlit.studio.checking import check
from backlit.studio.messages import MESSAGES

MESSAGES_OF_BOTH = [  # each with what both sides must say of it: whether it passes
    ({"type": "seek", "update": 3}, True),
    ({"type": "seek", "update": 3, "id": 7}, True),
    ({"type": "seek", "update": -1}, False),
    ({"type": "seek", "update": 1.5}, False),
    ({"type": "seek", "update": True}, False),
    ({"type": "seek"}, False),
    ({"type": "seek", "update": 3, "speed": 1}, False),
    ({"type": "sneak"}, False),
    ({"type": "toString"}, False),
    ({"type": "play"}, True),
    ({"type": "play", "speed": None}, True),
    ({"type": "hello", "version": 1, "language": "fr"}, False),
    ({"type": "rate", "value": 0.1}, True),
    ({"type": "rate", "value": "0.1"}, False),
    ({"type": "edit", "place": "0/weight[1,2]" + "x" * 500, "value": 1}, False),
    ({"type": "configure", "state": []}, False),
    ({"type": "look", "panels": ["boundary"], "grid": 60}, True),
    ([], False),
]


def passes(message: object) -> bool:
    try:
        check(message, "ask")
    except InputError:
        return False
    return True


def test_what_is_written_from_the_declarations_is_as_they_are() -> None:
    assert declare.PAGE.read_text(encoding="utf-8") == declare.script()
    text = declare.DOCUMENT.read_text(encoding="utf-8")
    assert text == declare.document(text)


@pytest.mark.parametrize(("message", "right"), MESSAGES_OF_BOTH)
def test_messages_are_checked(message: object, right: bool) -> None:
    assert passes(message) == right


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_the_pages_check_says_the_same() -> None:
    messages = json.dumps([message for message, _ in MESSAGES_OF_BOTH])
    code = (
        f"import {{wrong}} from {json.dumps(declare.PAGE.as_uri())};"
        f"console.log(JSON.stringify({messages}.map((m) => wrong(m, 'ask'))))"
    )
    told = subprocess.run(
        ["node", "--input-type=module", "-e", code], capture_output=True, text=True, check=True  # noqa: S607
    ).stdout  # fmt: skip
    assert [each is None for each in json.loads(told)] == [right for _, right in MESSAGES_OF_BOTH]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"type": "sek", "update": 1}, "unknown message 'sek'; did you mean 'seek'?"),
        ({"type": "seek"}, "seek: update is missing: how many updates were made there"),
        ({"type": "play", "sped": 1}, "unknown part of play 'sped'; did you mean 'speed'?"),
        ({"type": "rate", "value": 1e6}, "rate: value must be a number from 0 to 1000, got 1000000.0"),
        ({"type": "upload", "name": "a", "kind": "x"}, "upload: kind must be table or text or pictures, got 'x'"),
        ({"type": "freeze", "layer": "0", "unit": 1, "on": 1}, "freeze: on must be true or false, got 1"),
        ([], "a message must be an object with a type, got []"),
    ],
)
def test_what_is_wrong_is_said(message: object, text: str) -> None:
    with pytest.raises(InputError) as error:
        check(message, "ask")
    assert text in str(error.value)


def test_every_message_is_described() -> None:
    for kinds in MESSAGES.values():
        for kind in kinds.values():
            assert kind.doc.endswith("."), kind.name
            assert all(field.doc for field in kind.fields), kind.name


# ------------------------------------------------------------------------------------------------ frames


def test_a_frame_is_what_it_was() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float64).reshape(2, 3),
        "b": np.array([1, 2, 255], np.uint8),
        "c": np.arange(3),
    }
    frame = wire.packed({"type": "frame", "loss": float("nan"), "text": "경계"}, arrays)
    message, back = wire.unpacked(frame)
    assert message == {"type": "frame", "loss": None, "text": "경계"}
    assert {name: array.dtype.str for name, array in back.items()} == {"a": "<f4", "b": "|u1", "c": "<i4"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
    (size,) = struct.unpack_from("<I", frame)
    assert (4 + size) % 8 == 0
    assert all(entry["offset"] % 8 == 0 for entry in json.loads(frame[4 : 4 + size])["arrays"])


def framed(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + data


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", "a frame must have 4 bytes to 64 MiB, got 0 bytes"),
        (struct.pack("<I", 2**31) + b"{}", "a frame's header must fit into it and 1 MiB"),
        (struct.pack("<I", 2) + b"{]", "a message must be JSON in UTF-8"),
        (struct.pack("<I", 200_000) + b"[" * 200_000, "a message must be JSON in UTF-8"),
        (framed([]), "a frame's header must be an object with a list of arrays"),
        (framed({"arrays": [{"name": "x"}]}), "an array of a frame needs name, shape, offset and dtype f4, i4 or u1"),
        (
            framed({"arrays": [{"name": "x", "shape": [9], "offset": 0, "dtype": "f4"}]}),
            "array 'x' would end beyond the frame",
        ),
        (
            framed({"arrays": [{"name": "x", "shape": [10**9] * 50_000, "offset": 0, "dtype": "f4"}]}),
            "an array of a frame can have at most 8 axes",
        ),
        (
            framed({"arrays": [{"name": "x", "shape": [-1], "offset": 0, "dtype": "f4"}]}),
            "no number below 0 in shape and offset",
        ),
    ],
)
def test_broken_frames_are_refused(frame: bytes, text: str) -> None:
    with pytest.raises(InputError) as error:
        wire.unpacked(frame)
    assert text in str(error.value)


@pytest.mark.parametrize(
    "sent",
    [
        r'{"type": "say", "start": "a\ud83d", "\udc00": ["\uDBFF"]}',
        json.dumps({"type": "say", "start": "a\ud83d", "\udc00": ["\udbff"]}, ensure_ascii=False),
    ],
)
def test_half_a_surrogate_pair_becomes_a_character_that_can_be_sent_back(sent: str) -> None:
    message = wire.from_json(sent)
    assert message == {"type": "say", "start": "a\ufffd", "\ufffd": ["\ufffd"]}
    assert wire.to_json(message).encode().decode().count("\ufffd") == 3
    assert wire.from_json(r'"\ud83d\ude00 \ud83d"') == "\U0001f600 \ufffd"  # a whole pair stays


def test_bytes_that_are_half_a_pair_are_no_utf8() -> None:
    with pytest.raises(InputError, match="a message must be JSON in UTF-8"):
        wire.from_json(b'"\xed\xa0\x80"')
