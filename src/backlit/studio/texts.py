"""Texts as the studio learns them: for each character of a window, which one comes next."""

from __future__ import annotations

import tempfile
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.text.tokenizer import Tokenizer
from backlit.errors import InputError
from backlit.languages import Message, Template, join
from backlit.studio import sets
from backlit.studio.plane import Plane
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_STEPS, DataState
from backlit.studio.words import reworded
from backlit.train.targets import TextTargets

HELLO = Template('"hello"', '"hello"')
TYPED = Template("your own text", "직접 쓴 텍스트")
MOST_CHARACTERS = 20_000  # that are learned from
MOST_LETTERS = 200  # different ones; rarer ones become one
USUAL_STEPS = 25  # characters of a window, of which there are at most `MOST_STEPS`
OTHER = "\N{REPLACEMENT CHARACTER}"  # in place of rare letters
TITLES = {"hello": HELLO, "text": TYPED}
LINE_ENDS = {"\r\n": "\n", "\r": "\n"}

EMPTY = Template(
    "the text is empty: give at least two characters", "텍스트가 비어 있습니다. 글자를 두 개 이상 넣어 주세요."
)
SINGLE = Template(
    "the text has one character, {letter!r}: give at least two, so that one follows another",
    "글자가 {letter!r} 하나뿐입니다. 다음 글자가 있도록 두 글자 이상 넣어 주세요.",
)
ALIKE = Template(
    "all {count} characters of the text are {letter!r}: there is nothing to tell apart; give at least two different "
    "ones",
    "글자 {count}개가 모두 {letter!r}입니다. 구별할 것이 없으니 서로 다른 글자를 두 가지 이상 넣어 주세요.",
)
TYPED_IN = Template("what was typed in", "입력한 내용").of()
NO_TEXT = Template(
    "{name} isn't text: character {place} is the control character {code}",
    "{name}{은/는} 텍스트가 아닙니다. {place}번째 글자가 제어 문자 {code}입니다.",
)
CUT = Template(
    "the first {most:,} of {count:,} characters are learned; backlit train takes them all",
    "글자 {count:,}개 중 앞의 {most:,}개만 학습합니다. 전체는 backlit train으로 학습할 수 있습니다.",
)
RARE = Template(
    "{count} rare characters are taken for one, written " + OTHER,
    "드문 글자 {count}가지는 " + OTHER + " 하나로 묶습니다.",
)
WINDOWS = Template(
    "windows of {steps} characters: {rows}; different characters: {letters}",
    "길이 {steps}인 구간 {rows}개, 서로 다른 글자 {letters}가지",
)


@dataclass(frozen=True, eq=False)
class Reading:
    """A text as it is read.

    Attributes
    ----------
    text : str
        All that is learned.
    letters : tuple of str
        Input and output i stand for letter i, in the order in which they first occur.
    steps : int
        Characters of a window.
    starts : int array (rows,)
        Where each window begins.
    """

    text: str
    letters: tuple[str, ...]
    steps: int
    starts: np.ndarray

    def numbers(self, text: str) -> np.ndarray:
        """A text's characters as numbers of letters, int (characters,).

        Raises
        ------
        InputError
            If it has one that isn't known.
        """
        return numbers_of(text, self.letters)

    def window(self, row: int) -> str:
        """The characters of a row, and the one after them."""
        start = int(self.starts[row])
        return self.text[start : start + self.steps + 1]


UNKNOWN = Template(
    "the network has never seen {letters}; it knows {known}",
    "신경망이 본 적 없는 글자입니다: {letters}. 아는 글자는 {known}입니다.",
)


def numbers_of(text: str, letters: Sequence[str]) -> np.ndarray:
    """Characters as numbers of letters; see `Reading.numbers`."""
    known = {letter: i for i, letter in enumerate(letters)}
    unseen = [] if OTHER in known else [letter for letter in dict.fromkeys(text) if letter not in known]
    if unseen:
        shown = " ".join(map(repr, unseen[:8]))
        raise InputError(UNKNOWN.say(letters=shown, known="".join(letters[:60]).replace("\n", "⏎")))
    return np.array([known.get(letter, known.get(OTHER, 0)) for letter in text], np.int64)


def composed(text: str) -> str:
    r"""A text in composed form (NFC) with one kind of line end, as texts are learned.

    >>> composed("e\N{COMBINING ACUTE ACCENT}\r\n")
    'é\n'
    """
    for ending, plain in LINE_ENDS.items():
        text = text.replace(ending, plain)
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())


def clean(text: str, name: str | Message = TYPED_IN) -> str:
    """A text in composed form (NFC) with one kind of line end.

    Raises
    ------
    InputError
        If it is too short, all of one character, or no text.
    """
    text = composed(text)
    for place, letter in enumerate(text[: 2 * MOST_CHARACTERS]):
        if unicodedata.category(letter) == "Cc" and letter not in "\n\t":
            raise InputError(NO_TEXT.say(name=name, place=place + 1, code=f"U+{ord(letter):04X}"))
    if not text.strip():
        raise InputError(EMPTY.say())
    if len(text) == 1:
        raise InputError(SINGLE.say(letter=text))
    if len(set(text[:MOST_CHARACTERS])) == 1:
        raise InputError(ALIKE.say(count=len(text), letter=text[0]))
    return text


def read(text: str, steps: int = 0) -> Reading:
    """How a text is read.

    Parameters
    ----------
    text : str
        At most `MOST_CHARACTERS` of it.
    steps : int
        Characters of a window; 0: all, at most 25.
    """
    text = clean(text)[:MOST_CHARACTERS]
    counts = Counter(text)
    if len(counts) > MOST_LETTERS:
        kept = {letter for letter, _ in counts.most_common(MOST_LETTERS - 1)}
        text = "".join(letter if letter in kept else OTHER for letter in text)
    steps = min(steps or USUAL_STEPS, MOST_STEPS, len(text) - 1)
    return Reading(text, tuple(dict.fromkeys(text)), steps, windows_of(text, steps))


def windows_of(text: str, steps: int) -> np.ndarray:
    """Where each window of so many characters begins, so that all of the text is read."""
    starts = list(range(0, len(text) - steps, steps))
    if starts[-1] + steps + 1 < len(text):
        starts.append(len(text) - steps - 1)
    return np.array(starts)


def examples(text: str, steps: int = 0) -> tuple[np.ndarray, np.ndarray, TextTargets]:
    """What `backlit.fit` takes to learn a text: inputs, targets, and how targets are encoded.

    Parameters
    ----------
    text : str
    steps : int
        Characters of a window, through which gradients go back; 0: all of the text, at most 25.

    Returns
    -------
    x : float32 array (rows, steps, letters)
        One-hot vectors.
    y : int array (rows, steps)
        The number of the letter that comes next.
    targets : TextTargets
        For ``backlit.fit(..., loss="cross_entropy", encoding=targets)``.

    Raises
    ------
    InputError
        If it is too short, all of one character, or no text.

    Examples
    --------
    >>> x, y, targets = examples("hello")
    >>> x[0].astype(int).tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    >>> y.tolist(), targets.tokenizer.tokens
    ([[1, 2, 2, 3]], ('h', 'e', 'l', 'o'))
    """
    return _examples(read(text, steps))


def _examples(reading: Reading) -> tuple[np.ndarray, np.ndarray, TextTargets]:
    numbers = reading.numbers(reading.text)
    places = reading.starts[:, None] + np.arange(reading.steps)
    x = np.eye(len(reading.letters), dtype=np.float32)[numbers[places]]
    return x, numbers[places + 1], TextTargets(Tokenizer("characters", reading.letters), reading.steps)


class _NoPlane(Plane):
    """Texts have no plane of inputs: all rows are at one place."""

    def places(self, x: np.ndarray) -> np.ndarray:
        """Zeros, (rows, 2)."""
        return np.zeros((len(x), 2))


def rows_of_text(text: str, steps: int, code: str, notes: Sequence[str] = ()) -> Rows:
    """A text as rows.

    Parameters
    ----------
    text : str
    steps : int
        As of `read`.
    code : str
        Python that makes it, where ``{steps}`` is filled in.
    notes : sequence of str
        What is to be said beside.
    """
    whole, reading = clean(text), read(text, steps)
    said: list[Any] = list(notes)
    if len(whole) > MOST_CHARACTERS:
        said.append(CUT.say(most=MOST_CHARACTERS, count=len(whole)))
    different = len(set(whole[:MOST_CHARACTERS]))
    if different > MOST_LETTERS:
        said.append(RARE.say(count=different - MOST_LETTERS + 1))
    return rows_of_reading(reading, code.format(steps=reading.steps), said)


def rows_of_reading(reading: Reading, code: str, notes: Sequence[str] = ()) -> Rows:
    """A text that is read so, as rows; `code` makes them."""
    x, y, targets = _examples(reading)
    letters = list(reading.letters)
    said: list[Any] = [WINDOWS.say(rows=len(x), steps=reading.steps, letters=len(letters)), *notes]
    plane = _NoPlane(np.zeros(2), np.eye(2), ((-1.0, 1.0), (-1.0, 1.0)), None, join("; ", said))
    return Rows(x, y, "text", letters, letters, len(letters), plane, code, reading=reading, encoding=targets)


def typed(text: str, steps: int) -> Rows:
    """A text that was typed in, or "hello"."""
    text = clean(text)
    shown = repr(text).replace("{", "{{").replace("}", "}}")
    return rows_of_text(
        text, steps, "from backlit.studio.texts import examples\n\nx, y, targets = examples(" + shown + ", {steps})"
    )


class TextFile:
    """A text file that was sent.

    Parameters
    ----------
    text : str
    name : str
        As the person called it; for the code alone.
    notes : sequence of str
        Of the reading: in which encoding it was taken to be.
    """

    def __init__(self, text: str, name: str, notes: Sequence[str] = ()) -> None:
        self.text, self.name, self.notes = clean(text, name), name, list(notes)

    def rows(self, target: str, inputs: Sequence[str], steps: int = 0) -> Rows:
        """All of it; there are no columns to choose from."""
        name = repr(self.name).replace("{", "{{").replace("}", "}}")
        code = (
            "from backlit.data.text import read_text\nfrom backlit.studio.texts import examples\n\n"
            "x, y, targets = examples(read_text(" + name + "), {steps})"
        )
        return rows_of_text(self.text, steps, code, self.notes)


def rows_of(state: DataState, files: Mapping[str, Any]) -> Rows:
    """The rows that a state names: of a text, or what `backlit.studio.sets` has."""
    if state.name in TITLES:
        return typed("hello" if state.name == "hello" else state.text, state.steps)
    found = files.get(state.file) if state.name == "file" else None
    return found.rows("", (), state.steps) if isinstance(found, TextFile) else sets.rows_of(state, files)


def _no_table(text: str) -> str:
    return text.replace("save it as CSV", "save it as plain text")


def text_file(name: str, data: bytes) -> TextFile:
    """The text in a file's bytes.

    Raises
    ------
    InputError
        If it is none, or too short.
    """
    from backlit.data.text.reading import read_as_told

    with tempfile.TemporaryDirectory(prefix="backlit-studio-") as folder:
        path = Path(folder) / "text.txt"
        path.write_bytes(data)
        try:
            text, notes = read_as_told(path)
        except InputError as error:  # its text names the file by a path of this machine
            told = reworded(error, lambda text: text.replace(str(path), name).replace(path.name, name))
            raise InputError(reworded(InputError(told), _no_table)) from None
    return TextFile(text, name, notes)
