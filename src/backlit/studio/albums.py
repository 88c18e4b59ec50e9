"""Pictures that a page sends: a zip of class folders or an archive of arrays, bounded, parsed as data, never run.

What is in a zip is understood as `backlit train` understands the folder that was packed: a folder is a class, folders
train, val and test hold such folders. Nothing is unpacked to the disk, so names stay names.
"""

from __future__ import annotations

import io
import math
import tempfile
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from backlit.bounds import limits
from backlit.data.pictures import Form
from backlit.data.pictures.arrays import read_arrays
from backlit.data.pictures.decoding import decode, from_array, measure, peak, quiet, white_of
from backlit.data.pictures.folder import PARTS, SUFFIXES, pictures_in, shown
from backlit.errors import InputError
from backlit.languages import Said, Template
from backlit.studio.plane import plane_of
from backlit.studio.sets import Rows
from backlit.studio.state import MOST_CLASSES
from backlit.studio.words import reworded

MOST_PICTURES, FEWEST = 3000, 4
MOST_SIDE = 32  # pixels: larger pictures are made smaller
MOST_VALUES = 6_000_000  # numbers that all pictures together have
MOST_UNPACKED = 96 * 2**20  # bytes
MOST_PIXELS, MOST_PIXELS_TOGETHER = 2**24, 2**28  # before they are made smaller
MOST_SECONDS = 20.0
MOST_MEMBERS = 20_000
PIECE = 2**20
ENDINGS = (".zip", ".npz")
CHANNELS = ("red", "green", "blue")

TOO_MANY = Template(
    "{name} holds {count} pictures; the studio takes {most}. backlit train takes them all",
    "{name}에 그림이 {count}장 있습니다. 스튜디오는 {most}장까지 받습니다. backlit train은 모두 받습니다.",
)
TOO_LARGE = Template(
    "{name} unpacks to more than {most} MiB, which the studio doesn't take; backlit train takes it",
    "{name}의 압축을 풀면 {most}MiB가 넘어 스튜디오가 받지 않습니다. backlit train은 받습니다.",
)
TOO_SLOW = Template(
    "{name}: its pictures take too long to read; make them smaller, or fewer",
    "{name}: 그림을 읽는 데 너무 오래 걸립니다. 그림을 줄이거나 수를 줄이세요.",
)
NO_CLASSES = Template(
    "{name}: expected a folder of pictures for each of at least two classes ({suffixes}), got {got}",
    "{name}: 클래스마다 그림이 든 폴더가 하나씩, 둘 이상 있어야 합니다({suffixes}). 실제: {got}",
)
DAMAGED = Template("{name} can't be unpacked: {why}", "{name}의 압축을 풀 수 없습니다: {why}")
BROKEN = Template("{name}, {picture}: {why}", "{name}, {picture}: {why}")
CLIPS = Template(
    "{name} holds clips; the studio shows pictures", "{name}에는 동영상이 들어 있습니다. 스튜디오는 그림만 보여 줍니다."
)
MANY_CLASSES = Template(
    "{name} has {count} classes; the studio shows at most {most}",
    "{name}의 클래스가 {count}개입니다. 스튜디오는 {most}개까지 보여 줍니다.",
)
FEW = Template(
    "{name}: at least {fewest} pictures are needed, got {count}",
    "{name}: 그림이 적어도 {fewest}장 있어야 합니다. 실제: {count}장",
)
BROUGHT = Template(
    "{count} pictures of {classes} classes, brought to {height} × {width} (height × width), {kind}",
    "{classes}개 클래스의 그림 {count}장을 {height} × {width}(높이 × 너비), {kind}으로 맞췄습니다.",
)
GREY, COLOUR = Template("grey", "회색"), Template("in colour", "컬러")
PASSED_OVER = Template(
    "{count} files that are no pictures in a class's folder are ignored",
    "클래스 폴더의 그림이 아닌 파일 {count}개는 넘어갔습니다.",
)


class PictureFile:
    """Pictures that were sent.

    Parameters
    ----------
    pixels : uint8 array (rows, height, width, channels)
    classes : list of str
        Of each picture.
    name : str
        As the person called the file; for the code alone.
    notes : sequence of Said
        What was done with them.
    """

    def __init__(self, pixels: np.ndarray, classes: Sequence[str], name: str, notes: Sequence[Said] = ()) -> None:
        self.pixels, self.classes, self.name, self.notes = pixels, list(classes), name, list(notes)

    @property
    def counts(self) -> dict[str, int]:
        """Pictures of each class, by name."""
        return dict(sorted(Counter(self.classes).items()))

    def rows(self, target: str, inputs: Sequence[str]) -> Rows:
        """The rows as a network takes them; there is nothing to choose."""
        x, (height, width, channels) = _scaled(self.pixels), self.pixels.shape[1:]
        names, numbers = np.unique(np.array(self.classes), return_inverse=True)
        columns = pixel_names((height, width, channels))
        code = f"from backlit.studio.albums import pictures\n\nx, y = pictures({self.name!r})"
        return Rows(
            x, numbers, "classification", columns, [str(name) for name in names], len(names), plane_of(x, columns),
            code, (height, width, channels),
        )  # fmt: skip


def _scaled(pixels: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
    return scaled


def pixel_names(shape: tuple[int, int, int]) -> list[str]:
    """What a picture's pixels are called, row by row.

    >>> pixel_names((1, 2, 1)), pixel_names((1, 1, 3))
    (['0,0', '0,1'], ['0,0 red', '0,0 green', '0,0 blue'])
    """
    height, width, channels = shape
    colours = [""] if channels == 1 else [f" {name}" for name in CHANNELS]
    return [f"{row},{column}{colour}" for row in range(height) for column in range(width) for colour in colours]


def pictures(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and classes of a file, or folder, of pictures, as the studio takes them.

    Examples
    --------
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number, (name, grey) in enumerate([("dark", 10), ("dark", 20), ("light", 200), ("light", 255)]):
    ...     (folder / name).mkdir(exist_ok=True)
    ...     Image.new("L", (3, 2), grey).save(folder / name / f"{number}.png")
    >>> x, y = pictures(folder)
    >>> x.shape, y.tolist(), float(x[3, 0])
    ((4, 6), ['dark', 'dark', 'light', 'light'], 1.0)
    """
    path = Path(path)
    if path.is_dir():
        named = [(shown(one.relative_to(path)), one.read_bytes()) for one in pictures_in(path)]
        found = _of_folders(named, path.name)
    else:
        found = read_album(path.name, path.read_bytes())
    return _scaled(found.pixels), np.array(found.classes)


def read_album(name: str, data: bytes) -> PictureFile:
    """The pictures of a file.

    Raises
    ------
    InputError
        If it can't be read, holds no classes of pictures, or more than the studio takes.
    """
    with limits(pixels=MOST_PIXELS):
        return _of_arrays(data, name) if name.lower().endswith(".npz") else _of_folders(_members(data, name), name)


# ------------------------------------------------------------------------------------------------ a zip of folders


def _members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the files in a zip, one after the other."""
    unpacked = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = [info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)]
            count = sum(_is_picture(info.filename) for info in listed)
            _require(count if len(listed) <= MOST_MEMBERS else len(listed), MOST_PICTURES, TOO_MANY, name)
            for info in listed:
                if not _is_picture(info.filename):
                    yield info.filename, b""
                    continue
                parts = []
                with archive.open(info) as file:
                    while piece := file.read(PIECE):
                        unpacked += len(piece)
                        _require_unpacked(unpacked, name)
                        parts.append(piece)
                yield info.filename, b"".join(parts)
    except InputError:
        raise
    except Exception as error:  # unpacking fails in a dozen ways, no two of one kind
        raise InputError(DAMAGED.say(name=name, why=f"{error!s:.200}")) from error


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in _parts(name))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _classed(names: Sequence[str]) -> list[str | None]:
    """The class of each file by its folders; None for those in no class's folder, or no pictures."""
    paths = [_parts(name) for name in names]
    inside = [path for path, name in zip(paths, names, strict=True) if _is_picture(name)]
    while inside and len({path[0] for path in inside}) == 1 and min(map(len, inside)) > 2:
        paths, inside = [path[1:] for path in paths], [path[1:] for path in inside]  # the folder that was packed
    tops = {path[0].lower() for path in inside if len(path) > 1}
    depth = 1 if tops and tops <= PARTS.keys() and any(PARTS[top] == 0 for top in tops) else 0
    return [
        unicodedata.normalize("NFC", path[depth]) if len(path) > depth + 1 and _is_picture(name) else None
        for path, name in zip(paths, names, strict=True)
    ]


def _of_folders(files: Any, name: str) -> PictureFile:
    """Pictures of class folders, brought to one form."""
    until = time.monotonic() + MOST_SECONDS
    given = list(files)
    classes = _classed([file for file, _ in given])
    kept = [(file, data, label) for (file, data), label in zip(given, classes, strict=True) if label is not None]
    kept.sort(key=lambda one: (one[2], one[0]))
    labels = sorted({label for _, _, label in kept})
    if len(labels) < 2:
        got = ", ".join(map(repr, labels)) or (f"{len(given)} files in none" if given else "nothing")
        raise InputError(NO_CLASSES.say(name=name, suffixes=", ".join(SUFFIXES), got=got))
    _require_count(len(kept), len(labels), name)
    form = _form([(file, data) for file, data, _ in kept], name, until)
    pixels = np.zeros((len(kept), *form.shape), np.uint8)
    with quiet():
        for row, (file, data, _) in enumerate(kept):
            pixels[row] = _read(decode, file, data, name, until, form)
    if form.channels == 3 and (pixels == pixels[..., :1]).all():
        pixels = np.ascontiguousarray(pixels[..., :1])
    return _album(pixels, [label for _, _, label in kept], name, len(given) - len(kept))


def _read(function: Any, file: str, data: bytes, name: str, until: float, *more: Any) -> Any:
    """What a function makes of a picture's bytes; what is wrong with it is said with its name."""
    if time.monotonic() > until:
        raise InputError(TOO_SLOW.say(name=name))
    try:
        return function(io.BytesIO(data), *more)
    except InputError as error:
        raise InputError(BROKEN.say(name=name, picture=file[-200:], why=error.args[0])) from None


def _form(files: Sequence[tuple[str, bytes]], name: str, until: float) -> Form:
    """The median size, made smaller until the longer side fits; grey if all are."""
    with quiet():
        facts = [_read(measure, file, data, name, until) for file, data in files]
        if sum(height * width for height, width, _ in facts) > MOST_PIXELS_TOGETHER:
            raise InputError(TOO_SLOW.say(name=name))
        grey = [one for one, fact in zip(files, facts, strict=True) if fact[2]]
        white = white_of(_read(peak, file, data, name, until) for file, data in grey)
    height, width = np.median([fact[:2] for fact in facts], axis=0)
    form = _smaller(height, width, 1 if len(grey) == len(files) else 3, white)
    _require_values(len(files), form.shape, name)
    return form


def _smaller(height: float, width: float, channels: int, *white: int) -> Form:
    factor = min(1.0, MOST_SIDE / max(height, width))
    return Form(max(1, round(height * factor)), max(1, round(width * factor)), channels, *white)


# ------------------------------------------------------------------------------------------------ arrays


def _of_arrays(data: bytes, name: str) -> PictureFile:
    """Pictures of an archive of arrays; labels are classes."""
    _require_small(data, name)
    with tempfile.TemporaryDirectory(prefix="backlit-studio-") as folder:
        path = Path(folder) / "pictures.npz"
        path.write_bytes(data)
        try:
            pixels, labels = read_arrays(path)
        except InputError as error:  # its text names the file by a path of this machine
            told = reworded(error, lambda text: text.replace(str(path), name).replace(folder, ""))
            raise InputError(told) from None
    if pixels.ndim != 4:
        raise InputError(CLIPS.say(name=name))
    classes = [] if labels is None else labels.tolist()
    _require_count(len(pixels), len(set(classes)), name)
    form = _smaller(pixels.shape[1], pixels.shape[2], pixels.shape[3])
    _require_values(len(pixels), form.shape, name)
    if form.shape != pixels.shape[1:]:
        with quiet():
            pixels = np.stack([from_array(picture, form) for picture in pixels])
    return _album(pixels, classes, name, 0)


def _require_small(data: bytes, name: str) -> None:
    """Refuse arrays that say of themselves that they are larger than they may be, before any is read."""
    together = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                with archive.open(info) as file:
                    together += max(_size(file), info.file_size)
    except Exception as error:  # unpacking fails in a dozen ways, no two of one kind
        raise InputError(DAMAGED.say(name=name, why=f"{error!s:.200}")) from error
    _require_unpacked(together, name)


def _size(file: Any) -> int:
    """Bytes of an array, by its header."""
    first = np.lib.format.read_magic(file) == (1, 0)
    shape, _, dtype = (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which aren't read")
    return math.prod(shape) * dtype.itemsize


# ------------------------------------------------------------------------------------------------ both


def _require(count: int, most: int, told: Template, name: str) -> None:
    if count > most:
        raise InputError(told.say(name=name, count=count, most=most))


def _require_unpacked(size: int, name: str) -> None:
    if size > MOST_UNPACKED:
        raise InputError(TOO_LARGE.say(name=name, most=MOST_UNPACKED >> 20))


def _require_count(count: int, classes: int, name: str) -> None:
    _require(count, MOST_PICTURES, TOO_MANY, name)
    if count < FEWEST:
        raise InputError(FEW.say(name=name, fewest=FEWEST, count=count))
    _require(classes, MOST_CLASSES, MANY_CLASSES, name)
    if classes < 2:
        raise InputError(NO_CLASSES.say(name=name, suffixes=", ".join(SUFFIXES), got=f"{classes} class"))


def _require_values(count: int, shape: tuple[int, int, int], name: str) -> None:
    _require(count, MOST_VALUES // math.prod(shape), TOO_MANY, name)


def _album(pixels: np.ndarray, classes: list[str], name: str, ignored: int) -> PictureFile:
    height, width, channels = pixels.shape[1:]
    kind = (GREY if channels == 1 else COLOUR).of()
    told = BROUGHT.say(count=len(classes), classes=len(set(classes)), height=height, width=width, kind=kind)
    notes = [told] + ([PASSED_OVER.say(count=ignored)] if ignored else [])
    return PictureFile(pixels, classes, name, notes)
