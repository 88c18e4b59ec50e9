"""Folders of pictures: classes, parts, and what isn't a picture."""

import os
from pathlib import Path

import pytest

from backlit.data.pictures import classes_in, pictures_in, shown
from backlit.errors import InputError


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def test_one_folder_a_class(tmp_path):
    put(tmp_path, "고양이/b.PNG", "고양이/a.jpeg", "dog/young/c.webp", "dog/d.gif")
    listing = classes_in(tmp_path)
    found = [
        (path.relative_to(tmp_path).as_posix(), name) for path, name in zip(listing.paths, listing.classes, strict=True)
    ]
    assert found == [
        ("dog/d.gif", "dog"),
        ("dog/young/c.webp", "dog"),
        ("고양이/a.jpeg", "고양이"),
        ("고양이/b.PNG", "고양이"),
    ]
    assert listing.parts is None
    assert listing.notes == []


def test_folders_for_training_and_test(tmp_path):
    put(tmp_path, "Train/a/1.png", "Train/b/2.png", "valid/a/3.png", "test/b/4.png", "test/c/5.png")
    listing = classes_in(tmp_path)
    assert sorted(zip(listing.classes, listing.parts, strict=True)) == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 2),
        ("c", 2),
    ]


def test_train_and_test_as_classes_of_their_own(tmp_path):
    """Pictures of trains and of tests: without folders inside, they're classes."""
    with pytest.raises(InputError, match="2 pictures in no class's folder"):
        classes_in(put(tmp_path / "x", "train/1.png", "test/2.png"))
    assert classes_in(put(tmp_path / "y", "train/1.png", "bus/2.png")).parts is None


def test_what_is_passed_over_is_counted(tmp_path):
    put(
        tmp_path,
        "a/1.png",
        "b/2.png",
        "b/notes.txt",
        "b/in/more.txt",
        "README",
        ".hidden/3.png",
        "b/.DS_Store",
        "stray.png",
    )
    put(tmp_path, "__MACOSX/a/1.png")
    listing = classes_in(tmp_path)
    assert len(listing.paths) == 2
    assert listing.notes == [
        "1 picture beside the class folders have no class and are ignored",
        "3 files that aren't pictures are ignored (.txt, no suffix)",
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path, "a/1.png", "b/2.png", "elsewhere/3.png")
    pets = tmp_path / "pets"
    pets.mkdir()
    (pets / "a").symlink_to(tmp_path / "a")
    (pets / "b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "up").symlink_to(tmp_path / "b")
    (tmp_path / "a" / "round").symlink_to(pets)
    (tmp_path / "b" / "gone").symlink_to(tmp_path / "nowhere")
    listing = classes_in(pets)
    names = [path.relative_to(pets).as_posix() for path in listing.paths]
    assert "a/1.png" in names
    assert "b/2.png" in names
    assert len(names) < 10


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no pictures were found; expected one folder for each class"),
        (["a/x.txt"], "no pictures were found"),
        (
            ["1.png", "2.png"],
            "2 pictures in no class's folder; put the pictures of each class into a folder of its own",
        ),
        (["a/1.png"], "all 1 pictures are of one class, 'a'"),
        (["a/1.png", "b/2.png", "c/x.txt"], "no picture in c; every class needs pictures"),
        (["train/a/1.png", "train/b/1.png", "test/a/x.txt"], r"no picture in test.a; every class"),
        (["network.json"], "this is the folder of a run"),
    ],
)
def test_folders_that_cant_be_learned_from(tmp_path, files, message):
    put(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        classes_in(tmp_path)


def test_not_a_folder(tmp_path):
    put(tmp_path, "a.png")
    with pytest.raises(InputError, match=r"a\.png is a file; expected a folder of pictures"):
        classes_in(tmp_path / "a.png")
    with pytest.raises(InputError, match="none doesn't exist"):
        classes_in(tmp_path / "none")


def test_all_pictures_of_a_folder(tmp_path):
    put(tmp_path, "b.png", "a/c.tiff", "a/x.txt")
    assert [path.name for path in pictures_in(tmp_path)] == ["c.tiff", "b.png"]
    with pytest.raises(InputError, match="holds no pictures"):
        pictures_in(put(tmp_path / "empty", "x.txt"))


def test_one_name_written_in_two_ways_is_one_class(tmp_path):
    """Hangul in pieces, as other systems store names, and in one piece; bytes that aren't text don't get in the way."""
    put(tmp_path, "train/\u1100\u1161/1.png", "train/나/2.png", "test/\uac00/3.png")
    listing = classes_in(tmp_path)
    assert sorted(set(listing.classes)) == ["가", "나"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_arent_text(tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    try:
        Path(odd).mkdir()
    except OSError:
        pytest.skip("this file system takes text only")
    put(tmp_path, "b/1.png")
    (Path(odd) / "\udce9.png").touch()
    listing = classes_in(tmp_path)
    assert sorted(listing.classes) == ["b", "caf?"]
    "".join(listing.classes + [shown(path) for path in listing.paths]).encode()
