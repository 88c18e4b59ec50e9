"""Pictures in a session: files as `backlit train` understands them, bounded; what each layer makes of one; mistakes."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import backlit as bl
from backlit.data.pictures.arrays import holds_pictures, read_arrays
from backlit.errors import InputError
from backlit.graph import tree
from backlit.studio import albums
from backlit.studio.albums import PictureFile, pictures, read_album
from backlit.studio.answers import answer
from backlit.studio.checking import check
from backlit.studio.session import Session
from backlit.studio.sharing import python
from backlit.studio.state import State
from backlit.tasks.pictures import PicturesTask

CONVOLUTIONS = "conv:4,3 relu pool:2 flatten linear:8 relu"
DIGITS = {
    "data": {"name": "digits"},
    "network": {"word": CONVOLUTIONS},
    "training": {"engine": "numpy", "rate": 0.01, "held": 0.1},
}


def ask(session, asked, arrays=None, **parts):
    replies = answer(session, {"type": asked, **parts}, arrays)
    assert replies[0].message["type"] != "error", replies[0].message["what"]["en"]
    for reply in replies:
        check(reply.message, "tell")
    return replies


def refused(session, asked, arrays=None, **parts):
    reply = answer(session, {"type": asked, **parts}, arrays)[0]
    assert reply.message["type"] == "error", reply.message
    return reply.message["what"]["en"]


def drawn(shade, size=(5, 4), mode="L", kind="PNG"):
    data = io.BytesIO()
    picture = np.full(size if mode == "L" else (*size, 3), shade, np.uint8)
    picture[:, 0] = 0
    Image.fromarray(picture).save(data, kind)
    return data.getvalue()


def packed(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def shades(count=6):
    return {f"{'light' if i % 2 else 'dark'}/{i}.png": drawn(13 * i + 5) for i in range(count)}


@pytest.fixture(scope="module")
def digits():
    session = Session(State.from_dict(DIGITS))
    session.seek(6)
    return session


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    "layout",
    ["{}", "pets/{}", "pets/train/{}", "train/{}"],
    ids=["classes at the top", "in the folder that was packed", "in its train", "in train"],
)
def test_a_zip_is_understood_as_the_folder_that_was_packed(layout: str, tmp_path: Path) -> None:
    files = {layout.format(name): data for name, data in shades().items()}
    files |= {layout.format("light/deep/9.jpg"): drawn(250, mode="RGB", kind="JPEG")}
    files |= {layout.format("notes.txt"): b"no picture", layout.format("dark/.hidden.png"): b"no picture"}
    found = read_album("pets.zip", packed(files))
    with zipfile.ZipFile(io.BytesIO(packed(files))) as archive:
        archive.extractall(tmp_path)
    root = next(folder for folder in (tmp_path, *tmp_path.rglob("*")) if (folder / "light").is_dir())
    material = PicturesTask(size=found.pixels.shape[1:3], cache=False).read(root)
    assert found.classes == material.y.tolist()
    np.testing.assert_array_equal(found.pixels, material.raw)
    assert found.counts == {"dark": 3, "light": 4}
    assert [note.within("en") for note in found.notes][
        1
    ] == "1 files that are no pictures in a class's folder are ignored"


def test_colour_and_large_pictures_are_brought_to_one_form() -> None:
    files = {f"{'ab'[i % 2]}/{i}.png": drawn((i * 50, 30, 200), (64, 48), "RGB") for i in range(4)}
    found = read_album("c.zip", packed(files))
    assert found.pixels.shape == (4, 32, 24, 3)
    rows = found.rows("", ())
    assert rows.picture == (32, 24, 3)
    assert rows.x.shape == (4, 32 * 24 * 3)
    assert rows.columns[:2] == ["0,0 red", "0,0 green"]
    assert "4 pictures of 2 classes, brought to 32 × 24 (height × width), in colour" in found.notes[0]
    assert "컬러" in found.notes[0].within("ko")


def test_an_archive_of_arrays_is_pictures_with_labels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 1)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=pixels, y=np.array(["cat", "dog"] * 4))
    found = read_album("a.npz", (tmp_path / "a.npz").read_bytes())
    assert found.pixels.shape == (8, 32, 32, 1)
    assert found.counts == {"cat": 4, "dog": 4}
    x, y = pictures(tmp_path / "a.npz")
    assert x.shape == (8, 1024)
    assert y.tolist() == ["cat", "dog"] * 4


def bomb() -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 100, 100, 1)}
    )
    return packed({"x.npy": header.getvalue()})


BAD = {
    "no zip": (b"PK\x03\x04 cut", "a.zip can't be unpacked: File is not a zip file"),
    "nothing": (packed({}), "expected a folder of pictures for each of at least two classes (.png, .jpg"),
    "no class": (packed({"1.png": drawn(9), "2.png": drawn(9)}), "got 2 files in none"),
    "one class": (packed({f"a/{i}.png": drawn(9) for i in range(5)}), "got 'a'"),
    "few": (packed({"a/1.png": drawn(9), "b/1.png": drawn(9)}), "at least 4 pictures are needed, got 2"),
    "no picture": (packed(shades() | {"dark/z.png": b"text"}), "a.zip, dark/z.png: it is no picture that can be read"),
    "classes": (packed({f"{i}/a.png": drawn(9) for i in range(21)}), "has 21 classes; the studio shows at most 20"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_file_is_said(case: str) -> None:
    data, expected = BAD[case]
    with pytest.raises(InputError, match=re.escape(expected)):
        read_album("a.zip", data)


def test_archives_of_arrays_that_are_wrong_are_refused(tmp_path: Path) -> None:
    for name, arrays, expected in (
        ("clips", {"x": np.zeros((4, 3, 8, 8, 1), np.uint8), "y": np.arange(4) % 2}, "holds clips"),
        ("one class", {"x": np.zeros((4, 8, 8, 1), np.uint8), "y": np.zeros(4, int)}, "got 1 class"),
        ("a table", {"x": np.zeros((4, 8)), "y": np.zeros(4)}, "b.npz: expected one array of pictures"),
    ):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays)
        with pytest.raises(InputError, match=re.escape(expected)) as caught:
            read_album("b.npz", path.read_bytes())
        assert "tmp" not in str(caught.value)  # no path of this machine
    np.savez(tmp_path / "o.npz", x=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="Python objects, which aren't read"):
        read_album("o.npz", (tmp_path / "o.npz").read_bytes())


def test_more_than_the_studio_takes_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="unpacks to more than 96 MiB"):
        read_album("bomb.npz", bomb())
    monkeypatch.setattr(albums, "MOST_PIXELS", 19)
    with pytest.raises(InputError, match=r"a\.zip, dark/0\.png: .*pixels"):
        read_album("a.zip", packed(shades()))
    monkeypatch.undo()
    monkeypatch.setattr(albums, "MOST_PIXELS_TOGETHER", 100)
    with pytest.raises(InputError, match="its pictures take too long to read"):
        read_album("a.zip", packed(shades()))
    monkeypatch.undo()
    monkeypatch.setattr(albums, "MOST_UNPACKED", 300)
    with pytest.raises(InputError, match="unpacks to more than 0 MiB, which the studio doesn't take"):
        read_album("a.zip", packed(shades()))
    monkeypatch.undo()
    monkeypatch.setattr(albums, "MOST_PICTURES", 5)
    with pytest.raises(InputError, match="holds 6 pictures; the studio takes 5"):
        read_album("a.zip", packed(shades()))
    monkeypatch.undo()
    monkeypatch.setattr(albums, "MOST_SECONDS", -1.0)
    with pytest.raises(InputError, match="its pictures take too long to read"):
        read_album("a.zip", packed(shades()))
    monkeypatch.undo()
    monkeypatch.setattr(albums, "MOST_VALUES", 100)
    with pytest.raises(InputError, match="holds 6 pictures; the studio takes 5"):
        read_album("a.zip", packed(shades()))


def test_names_stay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {f"{'a' if i % 2 else '<b>'}/{i}.png": drawn(i) for i in range(4)}
    found = read_album("../../x.zip", packed(files | {"../../c/1.png": drawn(1), "/d/1.png": drawn(2)}))
    assert sorted(found.counts) == ["<b>", "a", "d"]
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_uploaded_trained_and_shared_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(shades(16))
    session = Session()
    told = ask(session, "upload", {"file": np.frombuffer(data, np.uint8)}, name="C:\\pets\\s.zip", kind="pictures")[0]
    assert told.message["rows"] == 16
    assert [(each["name"], each["note"]["en"]) for each in told.message["columns"]] == [
        ("dark", "8 pictures"),
        ("light", "8 pictures"),
    ]
    assert told.message["notes"][0]["ko"].startswith("2개 클래스의 그림 16장을 5 × 4")
    parts = {**DIGITS, "data": {"name": "file", "file": told.message["file"]}, "at": 7}
    replies = ask(session, "configure", state=parts)
    assert replies[1].message["picture"] == [5, 4, 1]
    assert replies[1].arrays["pictures"].shape == (16, 5, 4, 1)
    (tmp_path / "s.zip").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    code = python(session.first.timeline)
    assert "x, y = pictures('s.zip')" in code
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 (what a person copies)
    network = names["network"]
    assert isinstance(network, bl.Network)
    for ours, theirs in zip(
        tree.leaves(session.first.timeline.network.params), tree.leaves(network.params), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_other_endings_and_kinds_are_refused() -> None:
    session, file = Session(), {"file": np.zeros(3, np.uint8)}
    assert "a file of pictures ends in .zip, .npz, not 'a.png'" in refused(
        session, "upload", file, name="a.png", kind="pictures"
    )
    large = {"file": np.zeros(8 * 2**20 + 1, np.uint8)}
    assert "a.zip: 8,388,609 bytes are too many; at most 8 MiB" in refused(
        session, "upload", large, name="a.zip", kind="pictures"
    )


# ------------------------------------------------------------------------------------------------ one picture


def test_a_picture_is_told_layer_by_layer(digits: Session) -> None:
    reply = ask(digits, "picture", row=4)[0]
    timeline = digits.first.timeline
    network, params = timeline.network, timeline.network.params
    x = timeline.rows.x[4]
    np.testing.assert_array_equal(reply.arrays["pixels"], x.reshape(8, 8, 1))
    padded = np.pad(x.reshape(8, 8), 1)
    window = padded[3:6, 1:4]
    conv = np.maximum((params["1"]["weight"][..., 0] * window).sum(axis=(1, 2)) + params["1"]["bias"], 0)
    np.testing.assert_allclose(reply.arrays["features/1"][3, 1], conv, atol=1e-5)
    pooled = reply.arrays["features/1"].reshape(4, 2, 4, 2, 4).max(axis=(1, 3))
    np.testing.assert_array_equal(reply.arrays["features/3"], pooled)
    logits = np.asarray(network(x[None]), np.float64)[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(reply.message["probabilities"], shares, atol=1e-6)
    assert reply.message["class"] == int(logits.argmax())
    assert reply.message["truth"] == 4
    pixels = x.reshape(8, 8, 1).astype(np.float32)
    again = ask(digits, "picture", {"pixels": pixels})[0]
    assert again.message["probabilities"] == reply.message["probabilities"]
    assert (again.message["row"], again.message["truth"]) == (None, None)


def test_pictures_that_do_not_fit_are_refused(digits: Session) -> None:
    assert "name a row, or send a picture" in refused(digits, "picture")
    assert "there is no row 1797: the data has 1797" in refused(digits, "picture", row=1797)
    wrong = {"pixels": np.zeros((8, 9, 1), np.float32)}
    assert "pixels must be numbers of shape (8, 8, 1), got float32 (8, 9, 1)" in refused(digits, "picture", wrong)
    unclear = {"pixels": np.full((8, 8, 1), np.nan, np.float32)}
    assert "pixels must be numbers of shape (8, 8, 1)" in refused(digits, "picture", unclear)
    for kind in ("picture", "mistakes"):
        assert "this data has no pictures" in refused(Session(), kind, **({"row": 0} if kind == "picture" else {}))


def test_mistakes_are_those_of_the_rows_held_back(digits: Session) -> None:
    reply = ask(digits, "mistakes")[0]
    timeline = digits.first.timeline
    held = np.flatnonzero(timeline.held_rows)
    outputs = np.asarray(timeline.network(timeline.rows.x[held]))
    taken, truth = outputs.argmax(axis=1), timeline.rows.y[held]
    assert reply.message["judged"] == len(held)
    assert reply.message["wrong"] == int((taken != truth).sum()) > 0
    confusion = np.zeros((10, 10), int)
    for one, other in zip(truth, taken, strict=True):
        confusion[one, other] += 1
    np.testing.assert_array_equal(reply.arrays["confusion"], confusion)
    sure = reply.message["sure"]
    assert sure == sorted(sure, reverse=True)
    for row, kind, other, picture in zip(
        reply.message["rows"], reply.message["truth"], reply.message["taken"], reply.arrays["pictures"], strict=True
    ):
        assert kind == timeline.rows.y[row] != other
        np.testing.assert_allclose(picture.ravel() / 255, timeline.rows.x[row], atol=0.5 / 255)


def test_convolutions_go_back_and_forth_bit_for_bit(digits: Session) -> None:
    timeline = digits.first.timeline
    seen = {}
    for update in range(0, 10, 3):
        timeline.seek(update)
        seen[update] = [np.asarray(leaf).tobytes() for leaf in tree.leaves(timeline.train_state)]
    for update in (6, 0, 9, 3):
        timeline.seek(update)
        assert [np.asarray(leaf).tobytes() for leaf in tree.leaves(timeline.train_state)] == seen[update]
    timeline.seek(6)


def test_columns_join_a_convolution_and_its_activation(digits: Session) -> None:
    layers = digits.told().message["layers"]
    assert [(each["path"], each["kind"], each["activation"]) for each in layers] == [
        ("input", "input", ""),
        ("1", "Conv2d", "relu"),
        ("3", "MaxPool2d", ""),
        ("4", "Flatten", ""),
        ("5", "Linear", "relu"),
        ("7", "Linear", "softmax"),
    ]
    told = ask(digits, "explain", layer="5", unit=2, row=0)[0].message["unit"]
    assert len(told["weights"]) == 64


def test_of_large_pictures_no_map_is_made_for_each_frame() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    session = Session(
        State.from_dict({"data": {"name": "file", "file": "f"}, "training": {"engine": "numpy"}}),
        {"f": PictureFile(pixels, ["a", "b"] * 6, "f.zip")},
    )
    ask(session, "look", panels=["boundary", "units", "weights"], grid=60)
    frame = session.frame()
    assert "boundary" not in frame.arrays
    assert "param/2/weight" in frame.arrays
    assert sum(array.nbytes for array in frame.arrays.values()) < 200_000


def damaged() -> dict[str, bytes]:
    """Archives whose parts fail when they are read, each in a way of its own."""
    header = b"{(((" + b" " * 59 + b"\n"
    unclosed = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    short = b"\x93NUMPY\x01\x00\x09"
    return {"header": packed({"x.npy": unclosed}), "short": packed({"x.npy": short}), "lzma": broken_lzma("x.npy")}


def broken_lzma(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(name, bytes(range(256)) * 40)
    data = bytearray(file.getvalue())
    start = 30 + len(name)  # after the member's own header
    data[start + 4 : start + 40] = b"\xff" * 36
    return bytes(data)


@pytest.mark.parametrize("case", ["header", "short", "lzma"])
def test_damaged_archives_are_refused_however_they_fail(case: str, tmp_path: Path) -> None:
    data = damaged()[case]
    with pytest.raises(InputError, match=r"a\.npz can't be unpacked: "):
        read_album("a.npz", data)
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npz can't be read as \.npz: "):
        read_arrays(tmp_path / "a.npz")
    assert not holds_pictures(str(tmp_path / "a.npz"))


def test_a_zip_whose_lzma_is_broken_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.zip can't be unpacked: "):
        read_album("a.zip", broken_lzma("dark/1.png"))


def test_what_is_wrong_is_told_in_each_language(digits: Session) -> None:
    other = Session(State.from_dict({"data": {"rows": 40}, "training": {"engine": "numpy"}}))
    wrong = {"pixels": np.zeros((8, 9, 1), np.float32)}
    upload = {"file": np.zeros(3, np.uint8)}
    for session, asked, arrays, parts, text in (
        (digits, "picture", None, {}, "행 번호를 주거나"),
        (digits, "picture", None, {"row": 1797}, "1797번 행이 없습니다"),
        (digits, "picture", wrong, {}, "(8, 8, 1) 모양의 수여야"),
        (other, "picture", None, {"row": 0}, "이 데이터에는 그림이 없습니다"),
        (other, "upload", upload, {"name": "a.png", "kind": "pictures"}, "그림 파일의 이름은 .zip, .npz로 끝나야"),
    ):
        told = answer(session, {"type": asked, **parts}, arrays)[0].message
        assert text in told["what"]["ko"]
